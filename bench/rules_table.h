/* rules_table.h - the suffix walk over one table: an engine, and what the list's
 * maker asks whether a name is a hit or a miss */
#ifndef BENCH_RULES_TABLE_H
#define BENCH_RULES_TABLE_H

#include "bench/rules_engine.h"

void *table_build(const struct names *patterns);
bool table_lookup(void *built, const char *name, size_t len);

#endif
