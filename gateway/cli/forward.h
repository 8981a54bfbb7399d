/* forward.h - the verbs of vmlaunch, so that a person types one name */
#ifndef GATEWAY_CLI_FORWARD_H
#define GATEWAY_CLI_FORWARD_H

/* Becomes vmlaunch, found beside this program, with the same arguments.
 * Returns only when it cannot: the exit code. */
int forward_to_vmlaunch(int argc, char **argv);

#endif
