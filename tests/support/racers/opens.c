/* Opens a path for writing while a second thread changes it to another one.
 *
 *   opens PERMITTED FORBIDDEN ATTEMPTS     both names have the same length
 *
 * Prints how many opens gave PERMITTED's file, FORBIDDEN's, and none. Which file a descriptor is of,
 * its inode tells. */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char path[256];
static const char *names[2];
static volatile int over;

static void *flip(void *nothing)
{
    size_t length = strlen(names[0]);
    for (unsigned turn = 0; !over; turn++)
        for (size_t i = 0; i < length; i++)
            ((volatile char *)path)[i] = names[turn & 1][i];
    return nothing;
}

int main(int count, char **words)
{
    pthread_t flipper;
    struct stat known[2], found;
    int got[3] = {0, 0, 0};
    if (count != 4)
        return 64;
    for (int i = 0; i < 2; i++) {
        names[i] = words[i + 1];
        if (stat(names[i], &known[i]) < 0)
            return 65;
    }
    strcpy(path, names[0]);
    if (pthread_create(&flipper, NULL, flip, NULL))
        return 66;
    for (int attempt = atoi(words[3]); attempt > 0; attempt--) {
        int file = open(path, O_WRONLY);
        if (file < 0) {
            got[2]++;
            continue;
        }
        fstat(file, &found);
        if (found.st_ino == known[0].st_ino)
            got[0]++;
        else if (found.st_ino == known[1].st_ino)
            got[1]++;
        close(file);
    }
    over = 1;
    pthread_join(flipper, NULL);
    printf("%d %d %d\n", got[0], got[1], got[2]);
    return 0;
}
