/* keyring.h - the secret store's passphrase in the desktop's keyring
 *
 * Whatever speaks the Secret Service protocol (GNOME's keyring, KDE's, KeePassXC)
 * is asked through secret-tool(1), which comes with libsecret: linking that
 * would bring D-Bus and GLib into every process of the gateway. Each state
 * directory has an item of its own there. The keyring may want to be unlocked
 * by its owner first; that has KEYRING_SECONDS. */
#ifndef GATEWAY_CLI_KEYRING_H
#define GATEWAY_CLI_KEYRING_H

#include <stdbool.h>

#include "base/err.h"
#include "gateway/hidden.h"

#define KEYRING_SECONDS 120

/* The passphrase of the store in `state`, to hidden_close(). False: the keyring
 * has none, or there is no keyring (*err says which). */
bool keyring_find(const char *state, struct hidden *passphrase,
    struct err *err);
/* A new one of 256 random bits, which the keyring has from now on. */
bool keyring_make(const char *state, struct hidden *passphrase,
    struct err *err);

#endif
