# @summary A job that systemd starts regularly.
#
# @param description
#   What it is.
# @param calendar
#   When, in systemd's words.
# @param command
#   What to run: an absolute path and arguments.
# @param user
#   As whom.
define profile::timer (
  String[1] $description,
  String[1] $calendar,
  String[1] $command,
  String[1] $user = 'root',
) {
  file { "/etc/systemd/system/${title}.service":
    ensure  => file,
    owner   => 'root',
    group   => 'root',
    mode    => '0644',
    content => epp('profile/job.service.epp', { 'description' => $description, 'command' => $command, 'user' => $user }),
  }
  file { "/etc/systemd/system/${title}.timer":
    ensure  => file,
    owner   => 'root',
    group   => 'root',
    mode    => '0644',
    content => epp('profile/job.timer.epp', { 'description' => $description, 'calendar' => $calendar }),
  }
  service { "${title}.timer":
    ensure    => running,
    enable    => true,
    subscribe => File["/etc/systemd/system/${title}.timer", "/etc/systemd/system/${title}.service"],
  }
}
