# @summary The relay that takes users' bug reports by SMTP and passes them on to those who read them.
#
# @param addresses
#   Addresses to listen on; a machine can have others, where port 25 is somebody else's.
# @param domain
#   Domain whose mail it relays, and no other's.
# @param smarthost
#   Where the mail goes.
# @param smarthost_port
#   The port there.
class profile::whisperback (
  Array[Monitoring::Address] $addresses = profile::served_addresses('whisperback'),
  Pattern[/\A[a-z0-9.-]+\z/] $domain = lookup('lab::domain'),
  Pattern[/\A[a-z0-9.-]+\z/] $smarthost = lookup('lab::smarthost'),
  Integer[1, 65535] $smarthost_port = lookup('lab::smarthost_port'),
) {
  profile::install { 'whisperback':
    packages => ['postfix'],
  }

  profile::certificate { 'whisperback':
    require => Package['postfix'],
  }

  file {
    default:
      ensure  => file,
      owner   => 'root',
      group   => 'root',
      mode    => '0644',
      require => Package['postfix'],
      notify  => Service['postfix'],
      ;
    '/etc/postfix/main.cf':
      content => epp('profile/whisperback/main.cf.epp', {
          'addresses' => $addresses,
          'domain'    => $domain,
          'next_hop'  => "[${smarthost}]:${smarthost_port}",
      }),
      ;
    '/etc/mailname':
      content => "${trusted['certname']}\n",
      ;
  }

  service { 'postfix':
    ensure  => running,
    enable  => true,
    # Postfix takes new addresses only when it starts anew.
    restart => '/usr/bin/systemctl restart postfix.service',
    require => Profile::Certificate['whisperback'],
  }

  monitoring::check { 'smtp':
    command    => 'smtp',
    runs_on    => 'monitor',
    priority   => 'high',
    interval_s => 60,
    retry_s    => 30,
    vars       => { 'smtp_starttls' => false, 'smtp_timeout' => 20 },
  }

  monitoring::check { 'mail-relay':
    command    => 'mail_relay',
    runs_on    => 'monitor',
    priority   => 'medium',
    interval_s => 600,
    retry_s    => 120,
    vars       => {
      'mail_relay_recipient' => "mail-probe@${domain}",
      'mail_relay_receipts'  => "http://${smarthost}/mail-receipts/",
    },
  }
}
