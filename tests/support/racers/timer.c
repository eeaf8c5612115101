/* timer opens|execs COUNT: does it so many times under a timer of 300 microseconds whose handler
 * has no SA_RESTART, and prints as JSON how often the timer rang and a call came back with EINTR.
 * A call that is held longer than that by somebody who looks at it would never get through.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MICROSECONDS = 300, PATIENCE = 2000 }; /* EINTRs of one call */

static struct counts {
    volatile long done, interrupted, failed, ticks, error;
} *counts;

static void tick(int unused) {
    (void)unused;
    counts->ticks++;
}

static void handle(void) {
    struct sigaction action = {.sa_handler = tick};
    sigaction(SIGALRM, &action, NULL);
}

static int open_once(void) {
    int file = open("timer.out", O_WRONLY | O_CREAT | O_TRUNC, 0600);
    return file < 0 ? -1 : close(file);
}

/* From a ring of the timer on, any part of a period. */
static void wait_for_tick(void) {
    long before = counts->ticks;
    unsigned seed = (unsigned)getpid();
    while (counts->ticks == before)
        ;
    for (volatile int left = rand_r(&seed) % 300000; left > 0; left--)
        ;
}

static int exec_once(void) {
    char *words[] = {"/usr/bin/true", NULL};
    return execve(words[0], words, environ);
}

/* Until it succeeds, fails otherwise, or was interrupted too often. */
static int persist(int (*once)(void)) {
    for (int left = PATIENCE; left > 0; left--) {
        if (once() == 0)
            return 0;
        counts->error = errno;
        if (errno != EINTR)
            return -1;
        counts->interrupted++;
    }
    return -1;
}

static void opens(long count) {
    struct itimerval every = {{0, MICROSECONDS}, {0, MICROSECONDS}};
    handle();
    setitimer(ITIMER_REAL, &every, NULL);
    while (count-- > 0)
        *(persist(open_once) == 0 ? &counts->done : &counts->failed) += 1;
    memset(&every, 0, sizeof every);
    setitimer(ITIMER_REAL, &every, NULL);
}

/* A timer of timer_create ends at the exec, and so does a signal of it that waits: one of
 * setitimer would kill the new program. */
static void exec_under_timer(void) {
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM};
    struct itimerspec every = {{0, MICROSECONDS * 1000}, {0, MICROSECONDS * 1000}};
    timer_t timer;
    handle();
    if (timer_create(CLOCK_MONOTONIC, &event, &timer) == 0)
        timer_settime(timer, 0, &every, NULL);
    wait_for_tick();
    persist(exec_once);
    _exit(1);
}

static void execs(long count) {
    while (count-- > 0) {
        int status = -1;
        pid_t pid = fork();
        if (pid == 0)
            exec_under_timer();
        waitpid(pid, &status, 0);
        *(status == 0 ? &counts->done : &counts->failed) += 1;
    }
}

int main(int count, char **given) {
    if (count != 3)
        return 2;
    counts = mmap(NULL, sizeof *counts, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (counts == MAP_FAILED)
        return 1;
    (strcmp(given[1], "opens") == 0 ? opens : execs)(atol(given[2]));
    printf("{\"done\": %ld, \"interrupted\": %ld, \"failed\": %ld, \"ticks\": %ld, \"error\": %ld}\n",
           counts->done, counts->interrupted, counts->failed, counts->ticks,
           counts->failed ? counts->error : 0);
    return 0;
}
