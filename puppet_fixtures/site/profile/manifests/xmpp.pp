# @summary The project's XMPP server.
#
# @param domain
#   Domain of its accounts.
class profile::xmpp (
  Pattern[/\A[a-z0-9.-]+\z/] $domain = lookup('lab::domain'),
) {
  profile::install { 'xmpp':
    packages => ['prosody'],
  }

  profile::certificate { 'xmpp':
    owner   => 'prosody',
    require => Package['prosody'],
  }

  file { '/etc/prosody/prosody.cfg.lua':
    ensure  => file,
    owner   => 'root',
    group   => 'prosody',
    mode    => '0640',
    content => epp('profile/xmpp/prosody.cfg.lua.epp', { 'domain' => $domain }),
    require => Package['prosody'],
    notify  => Service['prosody'],
  }

  service { 'prosody':
    ensure  => running,
    enable  => true,
    require => Profile::Certificate['xmpp'],
  }

  monitoring::check { 'xmpp':
    command    => 'xmpp',
    runs_on    => 'monitor',
    priority   => 'medium',
    interval_s => 60,
    retry_s    => 30,
    vars       => { 'xmpp_domain' => $domain },
  }
}
