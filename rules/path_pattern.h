/* path_pattern.h - paths of HTTP requests, and patterns over them
 *
 * One place says what the canonical form of a path is, for requests and for
 * rules, and which paths have no single reading.
 *
 * The canonical form: what may stand plainly in a segment does (letters,
 * digits, -._~ !$&'()*+,= : @); every other byte is percent-encoded in capital
 * letters. So no spelling of a path evades a rule that another one meets.
 *
 * A pattern is a canonical path in which '*' is any run of bytes within one
 * segment, empty too, and a whole segment "**" is any number of segments, also
 * none: such a segment below /repos matches /repos, /repos/ and all below it.
 * "%2A" is the asterisk itself. All of the path must match; glob_tree.h does
 * the matching. */
#ifndef RULES_PATH_PATTERN_H
#define RULES_PATH_PATTERN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/slice.h"

#define PATH_PATTERN_MAX 1024
#define PATH_DEEP_MAX 3 /* "**" in one pattern */

/* The canonical form of what a person wrote, NUL-ended. Bytes outside ASCII
 * are percent-encoded; whatever else is not canonical is refused, so that the
 * person sees what will be matched. */
bool path_pattern_canonical(struct slice text, char out[PATH_PATTERN_MAX + 1],
    size_t *len, struct err *err);

/* How many bytes path_canonical() needs for a path of `len`. */
#define PATH_ROOM(len) (3 * (len))

/* The path of a request as it came, in its canonical form: itself when it is
 * already, else written into `room`. NULL and *canonical, or a clause that says
 * why no rule may judge the path ("it ..."): see path_is_ambiguous(). "*", of
 * OPTIONS, is a path that no pattern matches. */
const char *path_canonical(struct slice path, char *room,
    struct slice *canonical);

/* Why two readers could take this request path for different ones, as a clause
 * that begins with "it"; NULL when they cannot. These are: an encoded slash or
 * backslash, and a plain backslash (is it a separator?); a semicolon, encoded
 * or not (are parameters part of the segment?); empty segments and dot
 * segments, encoded or not (are they removed?); encoded control bytes (does
 * the path end at NUL?); what is encoded twice, or overlong UTF-8 (how often,
 * how strictly is it decoded?). What is not in canonical form counts too: a
 * path that was not made canonical must not be matched. */
const char *path_is_ambiguous(struct slice path);

#endif
