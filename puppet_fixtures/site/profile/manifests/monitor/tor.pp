# @summary Tor as a client, for checks that go through SOCKS.
#
# @param socks_port
#   Port on loopback.
class profile::monitor::tor (
  Stdlib::Port $socks_port = 9050,
) {
  file {
    default:
      owner => 'root',
      group => 'root',
      ;
    '/etc/tor/torrc':
      ensure  => file,
      mode    => '0644',
      content => epp('profile/monitor/torrc.epp', { 'socks_port' => $socks_port }),
      notify  => Service['tor@default'],
      ;
    # A lab without the Internet may name a network of its own here.
    '/etc/tor/torrc.d':
      ensure => directory,
      mode   => '0755',
      ;
  }
  systemd::dropin_file { 'tor@default':
    unit     => 'tor@default.service',
    filename => 'watchpost.conf',
    content  => epp('profile/monitor/units/memory.conf.epp', { 'memory_mib' => $profile::monitor::budget['tor_max_mib'] }),
    notify   => Service['tor@default'],
  }
  service { 'tor':
    enable => true,
  }
  service { 'tor@default':
    ensure => running,
  }
}
