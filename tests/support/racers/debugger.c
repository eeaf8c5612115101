/* debugger HOW …: a process that traces others, as gdb and strace do.
 *
 * attach PID              attaches and lets go: "attached", or the errno that it was refused with
 * hold PROGRAM WORD       a traced child execs: its errno, or its status if it ran
 * leader PROGRAM WORD     the same by a second thread of a child whose first thread is traced
 * detached PROGRAM WORD   the same by a child that was traced until just before
 * race PROGRAM WORD N     N children exec while they are attached to and let go, at every moment:
 *                         how many "ran", "refused" (126) and "failed" (the exec returned EPERM)
 * catch SECONDS           attaches to whatever is new, for so long: how many were had, and the fewest
 *                         filters that one of them was under
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { FAILED = 200 }; /* plus the errno: the exec came back */

static char **words;
static int gate[2];

static int attach(pid_t pid)
{
    return ptrace(PTRACE_SEIZE, pid, 0, 0) == 0;
}

static void let_go(pid_t pid)
{
    int status;
    if (ptrace(PTRACE_INTERRUPT, pid, 0, 0) != 0)
        return;
    while (waitpid(pid, &status, __WALL) == pid && WIFSTOPPED(status))
        if (ptrace(PTRACE_DETACH, pid, 0, 0) == 0)
            return;
}

static void *start(void *unused)
{
    char byte;
    (void)unused;
    if (read(gate[0], &byte, 1) == 1)
        execv(words[0], words);
    _exit(FAILED + errno);
}

/* A child that execs at a byte, by its first thread or by a second one. */
static pid_t make_child(int by_thread)
{
    pthread_t thread;
    pid_t pid;
    if (pipe(gate) != 0 || (pid = fork()) < 0)
        exit(3);
    if (pid != 0)
        return pid;
    if (!by_thread)
        start(NULL);
    pthread_create(&thread, NULL, start, NULL);
    for (;;)
        pause();
}

/* Its end; every stop before is let go on. */
static int end_of(pid_t pid)
{
    int status;
    while (waitpid(pid, &status, __WALL) == pid && WIFSTOPPED(status)) {
        int number = status >> 16 ? 0 : WSTOPSIG(status);
        ptrace(PTRACE_CONT, pid, 0, (long)(number == SIGTRAP ? 0 : number));
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void run_one(const char *how)
{
    pid_t pid = make_child(strcmp(how, "leader") == 0);
    usleep(20000); /* the second thread is there */
    if (!attach(pid))
        exit(3);
    if (strcmp(how, "detached") == 0)
        let_go(pid);
    if (write(gate[1], "x", 1) != 1)
        exit(3);
    int status = end_of(pid);
    if (status >= FAILED)
        printf("%s\n", strerrorname_np(status - FAILED));
    else
        printf("status %d\n", status);
}

static void wait_a_little(long nanoseconds)
{
    struct timespec from, now;
    clock_gettime(CLOCK_MONOTONIC, &from);
    do
        clock_gettime(CLOCK_MONOTONIC, &now);
    while ((now.tv_sec - from.tv_sec) * 1000000000 + now.tv_nsec - from.tv_nsec < nanoseconds);
}

static void race(int attempts)
{
    int ran = 0, refused = 0, failed = 0;
    for (int i = 0; i < attempts; i++) {
        pid_t pid = fork();
        if (pid == 0) {
            execv(words[0], words);
            _exit(FAILED + errno);
        }
        wait_a_little(random() % 1500000);
        if (attach(pid)) {
            wait_a_little(random() % 300000);
            let_go(pid);
        }
        int status = end_of(pid);
        ran += status == 0;
        refused += status == 126;
        failed += status == FAILED + EPERM;
    }
    fflush(stdout);
    fprintf(stderr, "ran %d refused %d failed %d\n", ran, refused, failed);
}

static int filters_of(pid_t pid)
{
    char line[256];
    int count = -1;
    snprintf(line, sizeof line, "/proc/%d/status", pid);
    FILE *file = fopen(line, "r");
    while (file && fgets(line, sizeof line, file))
        sscanf(line, "Seccomp_filters: %d", &count);
    if (file)
        fclose(file);
    return count;
}

static pid_t newest(void)
{
    int pid = 0;
    FILE *file = fopen("/proc/loadavg", "r");
    if (!file || fscanf(file, "%*s %*s %*s %*s %d", &pid) != 1)
        exit(3);
    fclose(file);
    return pid;
}

static void catch(int seconds)
{
    int count = 0, fewest = 99;
    time_t end = time(NULL) + seconds;
    printf("ready\n");
    fflush(stdout);
    while (time(NULL) < end) {
        pid_t next = newest() + 1;
        for (int i = 0; i < 20000; i++) {
            if (!attach(next))
                continue;
            int found = filters_of(next);
            if (found >= 0) {
                count++;
                fewest = found < fewest ? found : fewest;
            }
            let_go(next);
            break;
        }
    }
    printf("%d %d\n", count, fewest);
}

int main(int count, char **arguments)
{
    if (count < 3)
        return 2;
    words = arguments + 2;
    if (strcmp(arguments[1], "attach") == 0) {
        pid_t pid = atoi(arguments[2]);
        int done = attach(pid);
        printf("%s\n", done ? "attached" : strerrorname_np(errno));
        if (done)
            let_go(pid);
    } else if (strcmp(arguments[1], "race") == 0) {
        int attempts = atoi(arguments[4]);
        arguments[4] = NULL;
        race(attempts);
    } else if (strcmp(arguments[1], "catch") == 0)
        catch(atoi(arguments[2]));
    else
        run_one(arguments[1]);
    return 0;
}
