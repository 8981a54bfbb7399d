/* brotli_vectors.h - what brotli's own encoder made, in hex
 *
 * The library that is linked has no encoder. KEY is COMPRESS_KEY. */
#ifndef TESTS_UNIT_GATEWAY_SCRUB_BROTLI_VECTORS_H
#define TESTS_UNIT_GATEWAY_SCRUB_BROTLI_VECTORS_H

/* An echo of headers, KEY among them. */
static const char brotli_with_key[] =
    "1b3201602c0a6ca7651b471e9a1ae487df15f7ac8a9c72682de13890386cbb3c"
    "44a6e6a5bafb3ea93ac3ed3923fb745812a4ac0dfe6d07ecefe346bbc96ed479"
    "e0c51a411688673b7b24227aa7eadc7e33cba76d1c605ecb71da846b2770ad47"
    "adce03d9ad0fa712651be3d93982e16b1f450b8ce5ab371520cf9db2d39d5bf9"
    "755f7abedebe6a0abe680a0cab6ad144c6a8741e1466797914cd7764fa1dc284"
    "b2a6edfa619ce665ddf6e3bceee7fd7e2068741df21fa600";

/* The same without it. */
static const char brotli_without_key[] =
    "1b1301201c076eacc54a14b4879b19b92dd5dd473c92496daa88a50e4b5f8040"
    "2c0fd83f2cea0aca3adff90cc732e329cece560423d0b0b3537f1f3f889b1dbc"
    "f27ee8022d76625b9eb51a98380093b84b0ac0a3233f4f007eb630afd382f0d9"
    "9bb460db2669938d7449e43302edd10ab9a48c0ba9b4b1ce879872a96d3fceeb"
    "7ede0f0758c9caffc1f607";

/* 40,000,000 bytes of zero. */
static const char brotli_zeros[] =
    "cbffff3ff82700e2b14020f7fe8fffff7ff04f00c4611180eefd1fffffffe09f"
    "0088c30200ddfb3ffeffffc13f0110870500baf77ff99f25867f02200e0b0074"
    "a3c400";

/* Nothing. */
static const char brotli_empty[] = "06";

#endif
