# @summary OpenSSH's server with the site's settings; services add their own drop-in.
#
# @param settings
#   Settings for all connections.
class profile::ssh_server (
  Hash[Pattern[/\A[A-Za-z0-9]+\z/], Variant[Integer, String[1]]] $settings = {
    'PasswordAuthentication'       => 'no',
    'KbdInteractiveAuthentication' => 'no',
    'PermitRootLogin'              => 'prohibit-password',
    'X11Forwarding'                => 'no',
    'MaxStartups'                  => '50:30:200',
    'LoginGraceTime'               => 30,
  },
) {
  profile::install { 'ssh_server':
    packages => ['openssh-server', 'openssh-sftp-server'],
  }

  file {
    default:
      owner => 'root',
      group => 'root',
      mode  => '0644',
      ;
    '/etc/ssh/sshd_config.d':
      ensure  => directory,
      mode    => '0755',
      require => Package['openssh-server'],
      ;
    '/etc/ssh/sshd_config.d/50-site.conf':
      ensure  => file,
      content => $settings.map |$name, $value| { "${name} ${value}\n" }.join,
      notify  => Service['ssh'],
      ;
  }

  # The image has none: every machine makes its own.
  exec { 'make host keys':
    command => ['/usr/bin/ssh-keygen', '-A'],
    creates => '/etc/ssh/ssh_host_ed25519_key',
    require => Package['openssh-server'],
  }
  -> service { 'ssh':
    ensure => running,
    enable => true,
  }
}
