/* cmd_policy_compile.c - penstock policy compile and penstock policy export */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/secret.h"
#include "base/slice.h"
#include "conf/policy_file.h"
#include "gateway/cli/client.h"
#include "gateway/cli/command.h"
#include "gateway/cli/print.h"

#define RULES_FILE_MAX (16u << 20)
#define KEY_FILE_MAX 65536

struct compile_flags {
	const char *output, *sign;
};

OPTIONS(policy_compile, struct compile_flags,
    OPT_TEXT(struct compile_flags, output, "output", 'o', "IMAGE",
	"the file to write; needed"),
    OPT_TEXT(struct compile_flags, sign, "sign", 'k', "KEYFILE",
	"sign it with this Ed25519 private key, a PEM file"));

struct export_flags {
	const char *output;
};

OPTIONS(policy_export, struct export_flags,
    OPT_TEXT(struct export_flags, output, "output", 'o', "FILE",
	"write to this file in place of standard output"));

/* The trailer, made with the key in this file. */
static bool
sign(struct slice image, const char *key_file, struct image_trailer *trailer,
    char signer[IMAGE_KEY_NAME], struct err *err)
{
	struct image_public_key public;
	char *pem;
	size_t len;
	bool done;

	if (!file_read(key_file, KEY_FILE_MAX, &pem, &len, err))
		return false;
	done = image_sign(image, (struct slice){pem, len}, trailer, &public,
	    err);
	secret_wipe(pem, len);
	free(pem);
	if (!done)
		return err_wrap(err, "%s", key_file);
	image_public_key_name(&public, signer);
	return true;
}

static bool
write_image(const struct compile_flags *flags, struct slice image,
    char signer[IMAGE_KEY_NAME], struct err *err)
{
	size_t size = sizeof(struct image_trailer);
	struct image_trailer trailer;
	char *all;
	bool done;

	if (!flags->sign)
		return file_replace(flags->output, image, 0644, err);
	if (!sign(image, flags->sign, &trailer, signer, err))
		return false;
	all = memory_array(image.len + size, 1);
	memcpy(all, image.at, image.len);
	memcpy(all + image.len, &trailer, size);
	done = file_replace(flags->output,
	    (struct slice){all, image.len + size}, 0644, err);
	free(all);
	return done;
}

/* An image that no gateway would take is not written. */
static bool
keep_image(const struct compile_flags *flags, struct slice bytes,
    struct err *err)
{
	struct image *image = image_open(bytes.at, bytes.len, err);
	char signer[IMAGE_KEY_NAME] = "";
	bool done = image && write_image(flags, bytes, signer, err);

	if (done)
		printf("%s: %u rules, digest %s%s%s\n", flags->output,
		    image_rule_count(image), image_digest(image),
		    *signer ? ", signed by " : "", signer);
	image_close(image);
	return done;
}

static bool
is_same_file(const char *a, const char *b)
{
	struct stat x, y;

	return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev &&
	    x.st_ino == y.st_ino;
}

/* Nobody wants an image in the place of the file it was made of. */
static bool
spares_sources(const struct policy_sources *from, const char *output,
    struct err *err)
{
	bool spared = true;

	for (size_t i = 0; spared && i < from->path_count; i++) {
		size_t count = 0;
		char **files;

		if (!policy_list_files(from->paths[i], &files, &count, err))
			return false;
		for (size_t n = 0; n < count; n++) {
			if (is_same_file(files[n], output))
				spared = err_set(err, ERR_USAGE,
				    "%s is a part of the policy itself; name "
				    "another file behind -o",
				    output);
			free(files[n]);
		}
		free(files);
	}
	return spared;
}

static bool
compile(const struct policy_sources *from, const struct compile_flags *flags,
    struct err *err)
{
	struct policy policy;
	uint8_t *bytes;
	size_t len;
	bool done;

	if (!spares_sources(from, flags->output, err))
		return false;
	if (!policy_load(from, &policy, err))
		return false;
	done = image_build(&policy, &bytes, &len, err);
	policy_done(&policy);
	if (!done)
		return false;
	done = keep_image(flags, (struct slice){(const char *)bytes, len}, err);
	free(bytes);
	return done;
}

int
cmd_policy_compile(struct call *call)
{
	const struct compile_flags *flags = call->options;
	struct policy_sources from = {.paths = call->operands,
	    .path_count = call->operand_count,
	    .local_rules = LOCAL_RULES_OFF};
	struct err err;

	if (!flags->output) {
		fprintf(stderr,
		    "penstock policy compile: say where to write "
		    "the image: -o IMAGE\n");
		return EXIT_USAGE;
	}
	if (!compile(&from, flags, &err))
		return print_failure(&err);
	return EXIT_DONE;
}

static bool export(const struct client *c, const char *output, struct err *err)
{
	char *text = NULL;
	size_t len = 0;
	struct slice rules = SLICE_LITERAL("version: 1\n");
	bool done = true;

	if (access(c->paths.local_rules, F_OK) == 0) {
		if (!file_read(c->paths.local_rules, RULES_FILE_MAX, &text,
			&len, err))
			return false;
		rules = (struct slice){text, len};
	} else {
		fprintf(stderr, "note: no rule was typed yet\n");
	}
	if (output)
		done = file_replace(output, rules, 0644, err);
	else
		fwrite(rules.at, 1, rules.len, stdout);
	free(text);
	return done;
}

int
cmd_policy_export(struct call *call)
{
	const struct export_flags *flags = call->options;
	struct client c;
	struct err err;
	bool done;

	if (!client_open(&c, &err))
		return print_failure(&err);
	done = export(&c, flags->output, &err);
	client_done(&c);
	return done ? EXIT_DONE : print_failure(&err);
}
