# @summary A small daemon of the site's own, as a systemd service of an account without rights.
#
# @param description
#   What it is.
# @param command
#   What to run.
# @param user
#   As whom; systemd makes up an account where none is given.
# @param settings
#   Further lines of the section Service.
define profile::daemon (
  String[1] $description,
  String[1] $command,
  Optional[String[1]] $user = undef,
  Hash[String[1], String] $settings = {},
) {
  file { "/etc/systemd/system/${title}.service":
    ensure  => file,
    owner   => 'root',
    group   => 'root',
    mode    => '0644',
    content => epp('profile/daemon.service.epp', {
        'description' => $description,
        'command'     => $command,
        'user'        => $user,
        'settings'    => $settings,
    }),
    notify  => Service[$title],
  }
  service { $title:
    ensure => running,
    enable => true,
  }
}
