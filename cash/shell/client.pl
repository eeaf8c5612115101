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

# The frame's first bytes carry the descriptors (SCM_RIGHTS: level 1, type 1).
my $frame = pack("a N", "R", length $request) . $request;
my $rights = pack "Q i i i i i x4", 28, 1, 1, 0, 1, 2;
my $first = substr $frame, 0, 65536;
my $vector = pack "P Q", $first, length $first;
my $message = pack "Q L x4 P Q P Q i x4", 0, 0, $vector, 1, $rights, length $rights, 0;
my $sent = syscall $SENDMSG, fileno $polisd, $message, 0x4000;    # MSG_NOSIGNAL
$sent > 0 or fail("polisd does not listen: $!", "try again, or: polis doctor");
put(substr $frame, $sent);

my ($started, %received, $input) = (0);
while (1) {
    my $ready = "";
    vec($ready, fileno $polisd, 1) = 1;
    vec($ready, $number, 1) = 1;
    next if select($ready, undef, undef, undef) < 0;
    if (vec $ready, $number, 1) {
        sysread $arrived, my $info, 128;
        forward(unpack "L", $info);
    }
    next unless vec $ready, fileno $polisd, 1;
    sysread($polisd, $input, 65536, length $input) or gone();
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
        $count = syswrite $polisd, $data, length($data) - $done, $done;
        return unless $count;    # the reason is in what polisd said last: read on
        $done += $count;
    }
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
    # The command's group is an orphaned one: there the kernel ignores TSTP, but not STOP.
    my $name = $signal == 20 ? "STOP" : $signals{$signal};
    put(pack "a N a*", "G", length $name, $name);
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
