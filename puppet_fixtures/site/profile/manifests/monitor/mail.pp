# @summary Postfix as a null client: takes mail from this machine alone and hands all of it to one smarthost.
#
# @param smarthost
#   Name of the machine that takes the mail.
# @param smarthost_port
#   Its port.
class profile::monitor::mail (
  Pattern[/\A[a-z0-9.-]+\z/] $smarthost = lookup('lab::smarthost'),
  Stdlib::Port $smarthost_port = lookup('lab::smarthost_port'),
) {
  file { '/etc/postfix/main.cf':
    ensure  => file,
    owner   => 'root',
    group   => 'root',
    mode    => '0644',
    content => epp('profile/monitor/postfix.cf.epp', {
        'name'      => $trusted['certname'],
        'domain'    => $profile::monitor::domain,
        'smarthost' => $smarthost,
        'port'      => $smarthost_port,
    }),
    notify  => Service['postfix'],
  }
  systemd::dropin_file { 'postfix':
    unit     => 'postfix.service',
    filename => 'watchpost.conf',
    content  => epp('profile/monitor/units/memory.conf.epp', { 'memory_mib' => $profile::monitor::budget['mail_max_mib'] }),
    notify   => Service['postfix'],
  }
  service { 'postfix':
    ensure => running,
    enable => true,
  }
}
