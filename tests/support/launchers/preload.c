/* A library that becomes another program before main: $EXEC --version. */
#include <stdlib.h>
#include <unistd.h>

__attribute__((constructor)) static void start(void) {
    char *path = getenv("EXEC");
    if (path) {
        unsetenv("EXEC"); /* the next program loads this library too */
        execl(path, path, "--version", (char *)0);
    }
}
