# @summary Where all mail of the lab ends: a small SMTP server that keeps each mail as it came, with its envelope.
#
# @param address
#   The one address it listens on.
# @param port
#   The port there.
class profile::mail_sink (
  Monitoring::Address $address = lookup('lab::addresses')['fleet'],
  Integer[1, 65535] $port = lookup('lab::smarthost_port'),
) {
  profile::install { 'mail_sink':
    packages => ['python3-aiosmtpd'],
  }

  user { 'mail-sink':
    ensure => present,
    system => true,
    home   => '/var/lib/mail-sink',
    shell  => '/usr/sbin/nologin',
  }
  -> file {
    default:
      ensure => directory,
      owner  => 'mail-sink',
      group  => 'mail-sink',
      mode   => '0755',
      ;
    ['/var/lib/mail-sink', '/var/lib/mail-sink/new', '/var/lib/mail-sink/probes', '/var/lib/mail-sink/tmp', '/var/lib/mail-sink/envelopes']:
      ;
    # Served over HTTP, so that a check can see that its own mail arrived: the names are secrets of the mails' senders.
    ['/srv/lab-http', '/srv/lab-http/mail-receipts']:
      ;
    '/usr/local/sbin/mail-sink':
      ensure => file,
      owner  => 'root',
      group  => 'root',
      source => 'puppet:///modules/profile/mail_sink/mail-sink',
      notify => Service['mail-sink'],
      ;
  }

  systemd::unit_file { 'mail-sink.service':
    content => epp('profile/mail_sink/mail-sink.service.epp', { 'address' => $address, 'port' => $port }),
    require => Package['python3-aiosmtpd'],
  }
  ~> service { 'mail-sink':
    ensure => running,
    enable => true,
  }

  file { '/etc/tmpfiles.d/mail-sink.conf':
    ensure  => file,
    owner   => 'root',
    group   => 'root',
    mode    => '0644',
    content => "e /srv/lab-http/mail-receipts - - - 1d\ne /var/lib/mail-sink/probes - - - 1d\n",
  }

  profile::vhost { 'lab':
    server_names => [$trusted['certname']],
    root         => '/srv/lab-http',
  }
}
