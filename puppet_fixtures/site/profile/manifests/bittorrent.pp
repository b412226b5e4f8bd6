# @summary Seeds the last release by BitTorrent.
#
# Transmission rewrites its settings when it stops, so Puppet manages a file of its own, which is copied over them at every start.
#
# @param info_hash
#   Info hash of the torrent below files/bittorrent; what the check asks for.
# @param peer_port
#   Port for peers.
class profile::bittorrent (
  Pattern[/\A[0-9a-f]{40}\z/] $info_hash,
  Integer[1, 65535] $peer_port = 51413,
) {
  profile::install { 'bittorrent':
    packages => ['transmission-daemon'],
  }

  file {
    default:
      ensure  => file,
      owner   => 'root',
      group   => 'root',
      mode    => '0644',
      require => Package['transmission-daemon'],
      notify  => Service['transmission-daemon'],
      ;
    ['/srv/bittorrent', '/srv/bittorrent/seeded', '/srv/bittorrent/torrents']:
      ensure => directory,
      mode   => '0755',
      notify => undef,
      ;
    '/srv/bittorrent/seeded/watchpost-release-1.0.txt':
      source => 'puppet:///modules/profile/bittorrent/watchpost-release-1.0.txt',
      ;
    '/srv/bittorrent/torrents/watchpost-release-1.0.torrent':
      source => 'puppet:///modules/profile/bittorrent/watchpost-release-1.0.torrent',
      ;
    '/etc/transmission-daemon/site.json':
      content => epp('profile/bittorrent/site.json.epp', { 'peer_port' => $peer_port }),
      ;
  }

  systemd::dropin_file { 'transmission-daemon':
    unit     => 'transmission-daemon.service',
    filename => '50-site.conf',
    source   => 'puppet:///modules/profile/bittorrent/unit.conf',
    notify   => Service['transmission-daemon'],
  }

  service { 'transmission-daemon':
    ensure => running,
    enable => true,
  }

  # Speaks to the seeder as a peer does: that the daemon runs would not prove that anybody gets the release.
  monitoring::check { 'seeding':
    command    => 'seeding',
    runs_on    => 'monitor',
    priority   => 'low',
    interval_s => 600,
    retry_s    => 120,
    vars       => { 'seeding_info_hash' => $info_hash, 'seeding_port' => $peer_port },
  }
}
