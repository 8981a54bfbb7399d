/* openssl_memory.h - what OpenSSL frees while it reads a private key
 *
 * Its decoders copy what they read, and free most of the copies as they are:
 * then the key stands in free memory until something is written over it. So
 * OpenSSL gets its memory through us, and what it frees between begin and end is
 * overwritten. */
#ifndef GATEWAY_OPENSSL_MEMORY_H
#define GATEWAY_OPENSSL_MEMORY_H

/* First of all in main(): later, OpenSSL takes no other memory any more, and
 * the rest has no effect. */
void openssl_memory_init(void);

/* Not nested. */
void openssl_memory_wipe_begin(void);
void openssl_memory_wipe_end(void);

#endif
