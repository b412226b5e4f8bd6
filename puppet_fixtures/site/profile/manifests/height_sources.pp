# @summary Stands for the Internet that bitcoind's block count is compared with: two pages with the same height.
class profile::height_sources {
  file { ['/srv/lab-http/height']:
    ensure => directory,
    owner  => 'root',
    group  => 'root',
    mode   => '0755',
  }
  ['first', 'second'].each |$source| {
    file { "/srv/lab-http/height/${source}":
      ensure => link,
      target => '/var/lib/bitcoind-height/getblockcount',
    }
  }
}
