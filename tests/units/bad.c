/* A pilotlight that is none: -DHOW=EXITS, LATE, LIES or WEDGES says what it does once it is the service;
 * one that REFUSES does not come so far. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { EXITS, LATE, LIES, REFUSES, WEDGES };

static void notify(const char *text) {
    struct sockaddr_un to = { .sun_family = AF_UNIX };
    int from = socket(AF_UNIX, SOCK_DGRAM, 0);
    strncpy(to.sun_path, getenv("NOTIFY_SOCKET"), sizeof to.sun_path - 1);
    sendto(from, text, strlen(text), 0, (struct sockaddr *)&to, sizeof to);
    close(from);
}

/* What the daemon writes after a round. */
static void judged(void) {
    char line[1024];
    snprintf(line, sizeof line,
             "printf '{\"version\":1,\"pilotlight\":\"0.0.9\",\"vantage\":\"\",\"state\":\"well\",\"meaning\":\"\","
             "\"reporting\":\"off\",\"pid\":%d,\"program\":{\"hash\":\"%%s\"},\"nameservers\":[]}' "
             "$(sha256sum </proc/%d/exe | cut -c 1-64) >$RUNTIME_DIRECTORY/status.json",
             getpid(), getpid());
    system(line);
}

int main(int argc, char **argv) {
    if (argc > 1 && !strcmp(argv[1], "--version"))
        puts("pilotlight 0.0.9");
    if (argc > 1 && HOW == REFUSES && !strcmp(argv[1], "config")) {
        fputs("there is no such key\n", stderr);
        return 78;
    }
    if (argc < 2 || strcmp(argv[1], "run"))
        return 0;
    if (HOW == EXITS)
        return 3;
    if (HOW == WEDGES)
        judged();
    if (HOW == WEDGES || HOW == LIES)
        notify("READY=1");
    for (;; sleep(1))
        if (HOW == LIES)
            notify("WATCHDOG=1");
}
