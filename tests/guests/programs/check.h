// What every guest program uses: CHECK says which condition failed, and the program then ends with status 1.
#pragma once

#include <stdio.h>
#include <stdlib.h>

#define CHECK(condition)                                                              \
    do {                                                                              \
        if (!(condition)) {                                                           \
            printf("%s:%d: %s does not hold\n", __FILE_NAME__, __LINE__, #condition); \
            exit(1);                                                                  \
        }                                                                             \
    } while (0)
