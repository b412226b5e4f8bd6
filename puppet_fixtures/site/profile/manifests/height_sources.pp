# @summary Stands for the Internet that bitcoind's block count is compared with: two pages, each with a file of its own.
#
# They follow the clock as `bitcoind-mock` does, and not the node: what one of the three says is nothing to the others.
class profile::height_sources {
  $write = '/usr/local/sbin/write-heights'
  $sources = ['first', 'second'].map |$name| { "/srv/lab-http/height/${name}" }

  file {
    default:
      owner => 'root',
      group => 'root',
      mode  => '0755',
      ;
    '/srv/lab-http/height':
      ensure => directory,
      ;
    $write:
      ensure => file,
      source => 'puppet:///modules/profile/height_sources/write-heights',
      ;
  }
  # Where the last is a link still, all of them are written anew.
  -> exec { 'write the heights for the first time':
    command => [$write, *$sources],
    unless  => [['/usr/bin/test', '-f', $sources[-1], '-a', '!', '-L', $sources[-1]]],
  }

  systemd::timer { 'write-heights.timer':
    timer_content   => epp('profile/job.timer.epp', { 'description' => 'Write the heights that others say', 'calendar' => '*:0/2' }),
    service_content => epp('profile/job.service.epp', {
        'description' => 'Write the heights that others say',
        'command'     => "${write} ${sources.join(' ')}",
    }),
    enable          => true,
    active          => true,
    require         => File[$write],
  }
}
