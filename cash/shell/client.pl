# The thin client of one command without a terminal: asks polisd (frames of cash/wire.py), passes
# descriptors 0, 1 and 2, forwards signals, exits with the command's status. No modules: each
# `use` costs as much as the whole start. When polisd is not there, the Python client takes over.
# Arguments: the interpreter, the name called by, then the words as typed (bin/polis has checked
# their form).

my ($python, $name, @words) = @ARGV;

sub whole { exec $python, "-I", "-m", "cash.cli", ($name eq "cash" ? "cash" : ()), @words; exit 125 }
sub fail  { syswrite STDERR, "polis: $_[0]\n" . ($_[1] ne "" ? "hint: $_[1]\n" : ""); exit 125 }

# Where things are: cash.places, for the usual case. What is odd is left to Python.
sub absolute { $_[0] =~ m{^/} ? $_[0] : $_[1] }
sub mine { my @s = stat $_[0]; @s && $s[4] == $> }
my $home = $ENV{HOME} ne "" ? $ENV{HOME} : whole();
my $state = absolute($ENV{XDG_STATE_HOME}, "$home/.local/state") . "/polis";
my $runtime = $ENV{XDG_RUNTIME_DIR};
if ($runtime =~ m{^/} && mine($runtime)) { $runtime .= "/polis" }
elsif (mine("/run/user/$>")) { $runtime = "/run/user/$>/polis" }
else { $runtime = "$state/run" }

# System call numbers, by the machine this perl was built for (e_machine of its ELF header).
open my $self, "<", $^X or whole();
sysread $self, my $elf, 20;
close $self;
my %numbers = (62 => [46, 14, 289], 183 => [211, 135, 74]);    # x86_64, aarch64
my ($SENDMSG, $SIGPROCMASK, $SIGNALFD) = @{ $numbers{ unpack "x18 S", $elf } || whole() };

open my $file, "<", "$state/token" or whole();
my $token = <$file>;
chomp $token;
close $file;

# Signals are read from a descriptor: between a handler and a blocking read one could be lost.
my %signals = (1 => "HUP", 2 => "INT", 3 => "QUIT", 10 => "USR1", 12 => "USR2", 15 => "TERM",
    18 => "CONT", 20 => "TSTP", 28 => "WINCH");
my $set = 0;
for (keys %signals) {    # what the caller ignores (nohup, a background list) stays ignored
    $set |= 1 << ($_ - 1) if $SIG{ $signals{$_} } ne "IGNORE";
}
my $mask = pack "Q", $set;
my $before = pack "Q", 0;
$SIG{PIPE} = "IGNORE";
my $none = 0;

socket my $polisd, 1, 1, 0 or whole();
connect $polisd, pack("S a*", 1, "$runtime/polisd.sock\0") or whole();

my ($agent, $mode, @arguments);
if ($name eq "cash") { ($agent, $mode, @arguments) = ($ENV{POLIS_AGENT}, "line", $words[1]) }
elsif ($words[0] eq "shell") { ($agent, $mode, @arguments) = ($words[1], "line", $words[3]) }
else { ($agent, $mode, @arguments) = ($words[1], "argv", @words[3 .. $#words]) }

my $carried = qr/^(?:TERM|COLORTERM|LANG|LANGUAGE|TZ|NO_COLOR|COLUMNS|LINES|LC_.*)$/s;
my $request = join "\0", $token, $agent, readlink("/proc/self/cwd"), $mode, "000", 24, 80, 0,
    scalar(@arguments), @arguments, map { "$_=$ENV{$_}" } grep { $_ =~ $carried } keys %ENV;

syscall $SIGPROCMASK, 0, $mask, $before, 8;
my $number = syscall $SIGNALFD, -1, $mask, 8, 02000000;    # SFD_CLOEXEC
open my $arrived, "<&=", $number or fail("no signalfd: $!");

# How long polisd may say nothing before it is asked whether it is there; undef: it has answered.
my ($patience, $probe) = (3);
my ($started, %received) = (0);

# The frame's first bytes carry the descriptors (SCM_RIGHTS: level 1, type 1).
my $frame = pack("a N", "R", length $request) . $request;
my $rights = pack "Q i i i i i x4", 28, 1, 1, 0, 1, 2;
my $first = substr $frame, 0, 65536;
my $vector = pack "P Q", $first, length $first;
my $message = pack "Q L x4 P Q P Q i x4", 0, 0, $vector, 1, $rights, length $rights, 0;
my $sent = syscall $SENDMSG, fileno $polisd, $message, 0x4000;    # MSG_NOSIGNAL
$sent > 0 or fail("polisd does not listen: $!", "try again, or: polis doctor");
my $asking = 1;
put(substr $frame, $sent);
$asking = 0;

my $input;
while (1) {
    await(0);
    hear();
}

sub hear {
    sysread($polisd, $input, 65536, length $input) or gone();
    ($patience, $probe) = ();
    while (length $input >= 5) {
        my ($kind, $length) = unpack "a N", $input;
        last if length $input < 5 + $length;
        my $payload = substr $input, 5, $length;
        substr($input, 0, 5 + $length) = "";
        if ($kind eq "E") { print_error($payload) }
        elsif ($kind eq "S") { $started = 1 }
        elsif ($kind eq "X") { leave($payload) }
        elsif ($kind eq "j") { refuse($payload) }
    }
}

sub put {
    my ($data, $done, $count) = ($_[0], 0);
    while ($done < length $data) {
        $count = send $polisd, substr($data, $done, 65536), 0x4040;   # MSG_NOSIGNAL | MSG_DONTWAIT
        if ($count) { $done += $count }
        elsif ($! == 11) { await(1) }    # EAGAIN
        else { return }                  # the reason is in what polisd said last: read on
    }
}

# Returns when polisd can be read (written: to); signals are forwarded meanwhile.
sub await {
    my $writing = shift;
    while (1) {
        my ($read, $write) = ("", "");
        vec($read, $number, 1) = 1;
        vec($writing ? $write : $read, fileno $polisd, 1) = 1;
        vec($read, fileno $probe, 1) = 1 if $probe;
        my $count = select $read, $write, undef, $patience;
        next if $count < 0;
        if ($count == 0) { look(); next }
        if (vec $read, $number, 1) {
            sysread $arrived, my $info, 128;
            forward(unpack "L", $info);
            next;    # it may have read what was there
        }
        ($patience, $probe) = (5) if $probe && vec $read, fileno $probe, 1;    # it lives: it works
        return if vec $writing ? $write : $read, fileno $polisd, 1;
    }
}

# Raising walls takes polisd seconds; but one that lives answers another call at once. As
# cash/silence.py.
sub look {
    if (!$probe && socket $probe, 1, 1 | 2048, 0) {    # SOCK_NONBLOCK: there may be a queue
        my $call = qq({"verb":"ping","token":"$token"});
        $patience = 2;
        return if connect($probe, pack("S a*", 1, "$runtime/polisd.sock\0"))
            && syswrite $probe, pack("a N", "J", length $call) . $call;
    }
    ($patience, $probe) = ();
    my ($pid) = unpack "i", getsockopt $polisd, 1, 17;    # SO_PEERCRED
    open my $stat, "<", "/proc/$pid/stat" or return;
    my ($why, $way) = <$stat> =~ /\) [Tt] / ? ("is stopped", "kill -CONT $pid")
        : ("hangs", "kill -KILL $pid: the next command starts another; what runs goes on");
    print_error("polis: polisd ($pid) does not answer: it $why\nhint: $way\n");
}

sub print_error {
    my ($data, $done, $count) = ($_[0], 0);
    while ($done < length $data) {
        $count = syswrite STDERR, $data, length($data) - $done, $done;
        return unless $count;
        $done += $count;
    }
}

sub forward {
    my $signal = shift;
    $received{$signal} = 1;
    if (!$started && $signal =~ /^(?:1|2|3|15)$/) {
        # What it writes may be here before the word that it has begun.
        for (1 .. 3) {
            last if $started || $asking;
            my $read = "";
            vec($read, fileno $polisd, 1) = 1;
            select($read, undef, undef, 0.3) > 0 or last;
            hear();
        }
        # What has not begun is not to begin: polisd sees the hang-up before it starts anything.
        leave(128 + $signal) if !$started;
    }
    # The command's group is an orphaned one: there the kernel ignores TSTP, but not STOP.
    my $name = $signal == 20 ? "STOP" : $signals{$signal};
    put(pack "a N a*", "G", length $name, $name) unless $asking;    # in the midst of the request
    kill "STOP", $$ if $signal == 20;    # CONT wakes both
}

# A caller's shell stops its loop at Ctrl-C only when the child died of the signal itself.
sub leave {
    my $status = shift;
    my $signal = $status - 128;
    if ($received{$signal} && ($signal == 1 || $signal == 2 || $signal == 15)) {
        $SIG{ $signals{$signal} } = "DEFAULT";
        kill $signal, $$;
        syscall $SIGPROCMASK, 2, $before, $none, 8;
    }
    exit $status;
}

sub refuse {
    my $reply = shift;
    my ($message) = $reply =~ /"message":\s*"((?:[^"\\]|\\.)*)"/;
    my ($hint) = $reply =~ /"hint":\s*"((?:[^"\\]|\\.)*)"/;
    my ($status) = $reply =~ /"status":\s*(\d+)/;
    s/\\(["\\\/])/$1/g for $message, $hint;
    syswrite STDERR, "polis: $message\n" . ($hint ne "" ? "hint: $hint\n" : "");
    exit($status || 125);
}

sub gone {
    fail("the command's runner is gone", "what it had done stays; see: polis log")
        if $started;
    fail("polisd ended before the command started", "send it again");
}
