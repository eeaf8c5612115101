/* launch HOW PATH WORD…: starts PATH with these words in one of many ways, and waits for it. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;
static char *path, **words;

static void fail(const char *what) {
    fprintf(stderr, "launch: %s: %s\n", what, strerror(errno));
    _exit(99);
}

static int end(pid_t pid) {
    int status;
    if (pid < 0)
        fail("start");
    if (waitpid(pid, &status, __WALL) != pid)
        fail("waitpid");
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int child(void *unused) {
    (void)unused;
    execve(path, words, environ);
    _exit(99);
}

static void *thread(void *unused) {
    execve(path, words, environ);
    fail("execve");
    return unused;
}

static int by_clone(int flags) {
    static char stack[65536] __attribute__((aligned(16)));
    return end(clone(child, stack + sizeof stack, flags | SIGCHLD, NULL));
}

static int by_spawn(int along_path) {
    pid_t pid;
    char *slash = strrchr(path, '/');
    errno = along_path ? posix_spawnp(&pid, slash + 1, NULL, NULL, words, environ)
                       : posix_spawn(&pid, path, NULL, NULL, words, environ);
    return end(errno ? -1 : pid);
}

static int by_vfork(void) {
    pid_t pid = vfork();
    if (pid == 0) {
        execve(path, words, environ);
        _exit(99);
    }
    return end(pid);
}

static int by_fork(void) {
    pid_t pid = fork();
    if (pid == 0)
        child(NULL);
    return end(pid);
}

static void by_folder(void) {
    char *slash = strrchr(path, '/');
    *slash = 0;
    syscall(SYS_execveat, open(path, O_PATH | O_DIRECTORY), slash + 1, words, environ, 0);
}

static void by_memory(void) {
    struct stat found;
    int from = open(path, O_RDONLY), to = memfd_create("ls", MFD_CLOEXEC);
    if (from < 0 || to < 0 || fstat(from, &found) < 0)
        fail("memfd");
    while (sendfile(to, from, NULL, found.st_size) > 0)
        ;
    fexecve(to, words, environ);
}

static char *line(void) {
    static char text[4096];
    snprintf(text, sizeof text, "%s %s", path, words[1] ? words[1] : "");
    return text;
}

static int by_popen(void) {
    char text[4096];
    FILE *pipe = popen(line(), "r");
    while (pipe && fgets(text, sizeof text, pipe))
        fputs(text, stdout);
    return pipe ? pclose(pipe) >> 8 : 99;
}

/* Two forks and a session of its own; the pipe tells when the program has gone. */
static int by_daemon(void) {
    int ends[2];
    char byte;
    if (pipe(ends) < 0)
        fail("pipe");
    if (fork() == 0) {
        setsid();
        if (fork() == 0)
            child(NULL);
        _exit(0);
    }
    close(ends[1]);
    return read(ends[0], &byte, 1) ? 99 : 0;
}

static int by_thread(void) {
    pthread_t made;
    pthread_create(&made, NULL, thread, NULL);
    pause();
    return 99;
}

static int launch(const char *how) {
#define IS(name) (strcmp(how, name) == 0)
    if (IS("execve"))
        execve(path, words, environ);
    else if (IS("execvp"))
        execvp(strrchr(path, '/') + 1, words);
    else if (IS("other-argv0"))
        words[0] = "ls", execve(path, words, environ);
    else if (IS("no-environment"))
        execve(path, words, NULL);
    else if (IS("fexecve"))
        fexecve(open(path, O_RDONLY | O_CLOEXEC), words, environ);
    else if (IS("execveat-empty"))
        syscall(SYS_execveat, open(path, O_PATH), "", words, environ, AT_EMPTY_PATH);
    else if (IS("execveat-folder"))
        by_folder();
    else if (IS("memfd"))
        by_memory();
    else if (IS("posix_spawn") || IS("posix_spawnp"))
        return by_spawn(IS("posix_spawnp"));
    else if (IS("fork"))
        return by_fork();
    else if (IS("vfork"))
        return by_vfork();
    else if (IS("clone-vm"))
        return by_clone(CLONE_VM);
    else if (IS("clone-vfork"))
        return by_clone(CLONE_VM | CLONE_VFORK);
    else if (IS("thread"))
        return by_thread();
    else if (IS("system"))
        return system(line()) >> 8;
    else if (IS("popen"))
        return by_popen();
    else if (IS("daemon"))
        return by_daemon();
    fail(how);
    return 99;
}

int main(int count, char **given) {
    if (count < 3)
        return 2;
    path = given[2];
    words = given + 2;
    return launch(given[1]);
}
