# @summary A Bitcoin node whose block count can be compared with what others say.
#
# Debian has no bitcoind: `bitcoind-mock` answers `getblockcount` on the same port in the same words, from the clock. Everything round it
# (account, configuration, the exported block count, the check) is what the real one needs.
#
# @param height_sources
#   Web addresses that answer with the block count as others see it; at least two have to agree.
# @param max_lag
#   By how many blocks the node may be behind: warning, critical.
class profile::bitcoind (
  Array[Pattern[/\Ahttps?:\/\/[a-z0-9.:-]+\/[A-Za-z0-9_.\/-]*\z/]] $height_sources = lookup('lab::height_sources', { 'default_value' => [] }),
  Tuple[Integer[1], Integer[1]] $max_lag = [3, 6],
) {
  user { 'bitcoin':
    ensure => present,
    system => true,
    home   => '/var/lib/bitcoind',
    shell  => '/usr/sbin/nologin',
  }
  -> file {
    default:
      ensure => file,
      owner  => 'root',
      group  => 'root',
      mode   => '0644',
      ;
    '/var/lib/bitcoind':
      ensure => directory,
      owner  => 'bitcoin',
      group  => 'bitcoin',
      mode   => '0750',
      ;
    # Readable for the monitoring agent: the node's own directory is not.
    '/var/lib/bitcoind-height':
      ensure => directory,
      owner  => 'bitcoin',
      group  => 'bitcoin',
      mode   => '0755',
      ;
    '/etc/bitcoin':
      ensure => directory,
      mode   => '0755',
      ;
    '/etc/bitcoin/bitcoin.conf':
      source => 'puppet:///modules/profile/bitcoind/bitcoin.conf',
      notify => Service['bitcoind-mock'],
      ;
    '/usr/local/sbin/bitcoind-mock':
      mode   => '0755',
      source => 'puppet:///modules/profile/bitcoind/bitcoind-mock',
      notify => Service['bitcoind-mock'],
      ;
    '/usr/local/sbin/export-block-count':
      mode   => '0755',
      source => 'puppet:///modules/profile/bitcoind/export-block-count',
      ;
  }

  systemd::unit_file { 'bitcoind-mock.service':
    source  => 'puppet:///modules/profile/bitcoind/bitcoind-mock.service',
    require => File['/var/lib/bitcoind'],
  }
  ~> service { 'bitcoind-mock':
    ensure => running,
    enable => true,
  }

  systemd::timer { 'export-block-count.timer':
    timer_content   => epp('profile/job.timer.epp', { 'description' => 'Export the block count for the monitoring agent', 'calendar' => '*:0/2' }),
    service_content => epp('profile/job.service.epp', {
        'description' => 'Export the block count for the monitoring agent',
        'command'     => '/usr/local/sbin/export-block-count',
        'user'        => 'bitcoin',
    }),
    enable          => true,
    active          => true,
    require         => [File['/usr/local/sbin/export-block-count'], Service['bitcoind-mock']],
  }

  monitoring::check { 'bitcoind-height':
    command    => 'bitcoin_height',
    runs_on    => 'agent',
    priority   => 'medium',
    interval_s => 300,
    retry_s    => 120,
    often      => { 'window_s' => 604800, 'warning' => 4, 'critical' => 8 },
    vars       => {
      'bitcoin_height_file'     => '/var/lib/bitcoind-height/getblockcount',
      'bitcoin_height_sources'  => $height_sources,
      'bitcoin_height_warning'  => $max_lag[0],
      'bitcoin_height_critical' => $max_lag[1],
    },
  }
}
