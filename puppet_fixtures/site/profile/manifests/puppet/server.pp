# @summary Puppet server: its memory, its interpreters, and PuppetDB as the place for facts, catalogs and reports.
#
# auth.conf stays as packaged. Environments are cached without end: after a deployment of changed code reload the server
# (`systemctl reload puppetserver`). Files under /etc/puppet/lab need no reload, Hiera sees that they changed.
#
# @param heap_mib
#   Java heap, reserved as a whole at the start.
# @param instances
#   JRuby interpreters; each compiles one catalog at a time and costs about 150 MiB of heap.
# @param java_options
#   Further options of the Java machine. The quick compiler alone brings the server up in two thirds of the time. It would
#   get 48 MiB for what it compiles: JRuby fills them within an hour, and requests then fail ("Out of space in CodeCache for adapters").
# @param certname
#   Name under which PuppetDB is reached: this machine's.
class profile::puppet::server (
  Integer[512]                   $heap_mib     = 1024,
  Integer[1]                     $instances    = 2,
  Array[Pattern[/\A-[!-~]+\z/]] $java_options = ['-XX:TieredStopAtLevel=1', '-XX:ReservedCodeCacheSize=256m'],
  Stdlib::Fqdn                   $certname     = $trusted['certname'],
) {
  file {
    default:
      ensure => file,
      owner  => 'root',
      group  => 'root',
      mode   => '0644',
      notify => Service['puppetserver'],
      ;
    '/etc/default/puppetserver':
      content => epp('profile/puppet/puppetserver.default.epp', {
        'heap_mib' => $heap_mib,
        'options'  => $java_options.join(' '),
      }),
      ;
    '/etc/puppet/puppetserver/conf.d/puppetserver.conf':
      content => epp('profile/puppet/puppetserver.conf.epp', { 'instances' => $instances }),
      ;
    '/etc/puppet/puppetserver/conf.d/product.conf':
      content => "# Managed by Puppet. The lab calls nobody.\nproduct: {\n    check-for-updates: false\n}\n",
      ;
    '/etc/puppet/puppetdb.conf':
      content => "# Managed by Puppet\n[main]\nserver_urls = https://${certname}:8081\nsoft_write_failure = false\n",
      ;
    '/etc/puppet/routes.yaml':
      content => "---\n# Managed by Puppet\nmaster:\n  facts:\n    terminus: puppetdb\n    cache: yaml\n",
      ;
  }

  # Made before the server runs: its interpreters make them on demand, and two at once fail with "File exists".
  file { ['/var/lib/puppetserver/yaml', '/var/lib/puppetserver/yaml/facts']:
    ensure => directory,
    owner  => 'puppet',
    group  => 'puppet',
    mode   => '0750',
    before => Service['puppetserver'],
  }

  # Started without waiting, as PuppetDB loads meanwhile: the harness waits until both answer.
  service { 'puppetserver':
    ensure    => running,
    enable    => true,
    start     => '/usr/bin/systemctl start --no-block puppetserver.service',
    restart   => '/usr/bin/systemctl restart --no-block puppetserver.service',
    status    => "/usr/bin/systemctl show --property=ActiveState --value puppetserver.service | grep -Eqx 'active|activating|reloading'",
    subscribe => File['/etc/puppet/puppet.conf'],
  }
}
