/* race WHAT HOW ATTEMPTS: starts a permitted program again and again while somebody else turns its
 * path, its argument or the link to it into a forbidden one and back. Prints as JSON how many of
 * each have really run. Whoever looks before the kernel does is told one thing and gets the other.
 *
 * WHAT  path      /usr/bin/uname, /usr/bin/shred (--version)
 *       argument  echo permit, echo forbid
 *       script    ./permit, ./forbid (made by the caller; each prints its name)
 *       link      ./link to uname or shred, replaced by rename
 * HOW   vfork     a thread of the parent flips, while the child still has the parent's memory
 *       clone     the same with CLONE_VM and no CLONE_VFORK: nobody is suspended
 *       thread    a second thread of the child itself flips
 *       process   another process flips, in memory that both share: the child is single-threaded
 * A link is flipped by a process whatever HOW says.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { FAILED = 200 }; /* an exit status that neither program has */

struct what {
    const char *name, *path, *argument, *good, *bad; /* %: the word that is flipped */
};
static const struct what whats[] = {
    {"path", "/usr/bin/%", "--version", "uname", "shred"},
    {"argument", "/usr/bin/echo", "%", "permit", "forbid"},
    {"script", "./%", "x", "permit", "forbid"},
    {"link", "./link", "--version", "uname", "shred"},
};

/* In memory that children share. The word is eight bytes, aligned: it changes in one store, so
 * that half of each is rare: the kernel copies it byte by byte, and sees it all the same. */
struct shared {
    char path[64], argument[64];
    volatile long turns;
};
static struct shared *shared;
static volatile uint64_t *word;
static uint64_t good, bad;
static char *words[3];

static void give_up(const char *what) {
    perror(what);
    exit(1);
}

/* Puts the text so that its % falls on a multiple of eight, and the good word there. */
static char *lay(char *room, const char *text, const struct what *what) {
    const char *mark = strchr(text, '%');
    size_t before = mark ? (size_t)(mark - text) : 0;
    char *start = room + (mark ? 16 - before : 0);
    if (!mark)
        return strcpy(start, text);
    memcpy(start, text, before);
    strncpy((char *)&good, what->good, sizeof good);
    strncpy((char *)&bad, what->bad, sizeof bad);
    word = (volatile uint64_t *)(room + 16);
    *word = good;
    return start;
}

/* Pids follow one another, and so would what is drawn from them. */
static unsigned sow(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (unsigned)now.tv_nsec ^ (unsigned)getpid() * 2654435761u;
}

static void pause_a_little(unsigned *seed) {
    for (volatile int left = rand_r(seed) % 4000; left > 0; left--)
        ;
}

static void *flip(void *unused) {
    unsigned seed = sow();
    for (;;) {
        *word = shared->turns++ % 2 ? good : bad;
        pause_a_little(&seed);
    }
    return unused;
}

static void put_link(const char *to) {
    char target[64];
    snprintf(target, sizeof target, "/usr/bin/%s", to);
    if (symlink(target, "link.new") < 0 || rename("link.new", "link") < 0)
        give_up("link");
}

static void flip_link(const struct what *what) {
    unsigned seed = sow();
    for (;;) {
        put_link(shared->turns++ % 2 ? what->good : what->bad);
        pause_a_little(&seed);
    }
}

static pid_t start_flipper(const struct what *what, const char *how) {
    pthread_t thread;
    int is_link = word == NULL;
    pid_t pid = 0;
    unlink("link.new"); /* of a flipper killed in the middle */
    if (is_link)
        put_link(what->good);
    if (is_link || strcmp(how, "process") == 0) {
        pid = fork();
        if (pid == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            is_link ? flip_link(what) : (void)flip(NULL);
        }
    } else if (strcmp(how, "thread") != 0 && pthread_create(&thread, NULL, flip, NULL) != 0)
        give_up("thread");
    return pid;
}

/* Any moment of a flipper that is at work. */
static void wait_for_turn(void) {
    unsigned seed = sow();
    long turn = shared->turns + 1 + rand_r(&seed) / 64 % 4;
    while (shared->turns < turn)
        sched_yield();
    pause_a_little(&seed);
}

static int become(void *unused) {
    (void)unused;
    wait_for_turn();
    execve(words[0], words, environ);
    _exit(FAILED);
}

static pid_t start(const char *how) {
    static char stack[65536] __attribute__((aligned(16)));
    pthread_t thread;
    pid_t pid;
    if (strcmp(how, "clone") == 0)
        return clone(become, stack + sizeof stack, CLONE_VM | SIGCHLD, NULL);
    if (strcmp(how, "vfork") == 0) {
        pid = vfork();
        if (pid == 0)
            become(NULL);
        return pid;
    }
    pid = fork();
    if (pid == 0) {
        if (strcmp(how, "thread") == 0 && word && pthread_create(&thread, NULL, flip, NULL) != 0)
            _exit(FAILED);
        become(NULL);
    }
    return pid;
}

/* Lines that begin with a word: each program prints one such. */
static int count_lines(FILE *file, const char *begin) {
    char line[256];
    int count = 0;
    rewind(file);
    while (fgets(line, sizeof line, file))
        count += strncmp(line, begin, strlen(begin)) == 0;
    return count;
}

static const struct what *find(const char *name) {
    for (size_t i = 0; i < sizeof whats / sizeof *whats; i++)
        if (strcmp(whats[i].name, name) == 0)
            return whats + i;
    exit(2);
}

static void lay_out(const struct what *what) {
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED)
        give_up("mmap");
    words[0] = lay(shared->path, what->path, what);
    words[1] = lay(shared->argument, what->argument, what);
}

static struct ends {
    int killed, refused, failed;
} run(const char *how, int attempts) {
    struct ends ends = {0, 0, 0};
    int status;
    pid_t pid;
    while (attempts-- > 0) {
        if ((pid = start(how)) < 0 || waitpid(pid, &status, __WALL) != pid)
            give_up("start");
        ends.killed += WIFSIGNALED(status);
        ends.refused += WIFEXITED(status) && WEXITSTATUS(status) == 126;
        ends.failed += WIFEXITED(status) && WEXITSTATUS(status) == FAILED;
    }
    return ends;
}

int main(int count, char **given) {
    const struct what *what = find(count == 4 ? given[1] : "");
    FILE *printed = tmpfile();
    int out = dup(1);
    struct ends ends;
    pid_t flipper;

    lay_out(what);
    /* Children write one after the other: each has its own place in the file. */
    if (!printed || out < 0 || dup2(fileno(printed), 1) < 0 || fcntl(1, F_SETFL, O_APPEND) < 0)
        give_up("stdout");
    fcntl(out, F_SETFD, FD_CLOEXEC);
    flipper = start_flipper(what, given[2]);
    ends = run(given[2], atoi(given[3]));
    if (flipper > 0) {
        kill(flipper, SIGKILL);
        waitpid(flipper, NULL, 0);
    }
    dprintf(out,
            "{\"attempts\": %s, \"permitted\": %d, \"forbidden\": %d, \"refused\": %d, "
            "\"killed\": %d, \"failed\": %d}\n",
            given[3], count_lines(printed, what->good), count_lines(printed, what->bad),
            ends.refused, ends.killed, ends.failed);
    return 0;
}
