/* rules_table_engine.c - the table as an engine */
#include "bench/rules_table.h"

const struct engine engines[] = {
    {.name = "table", .build = table_build, .lookup = table_lookup},
    {.name = NULL},
};
