# @summary PuppetDB for the Puppet server alone: its certificate is the only one that may write and query.
#
# Without the allowlist any certificate of the CA may store a catalog in another node's name, exported resources
# included. Clear-text HTTP is on loopback, and the firewall keeps the TLS port on the machine as well.
#
# @param heap_mib
#   Java heap.
# @param java_options
#   Further options of the Java machine; see profile::puppet::server.
# @param password
#   Password of PostgreSQL's role puppetdb.
# @param server
#   Certname that may use PuppetDB: the Puppet server's, which is this machine's.
class profile::puppet::puppetdb (
  Integer[128]                                 $heap_mib     = 256,
  Array[Pattern[/\A-[!-~]+\z/]]               $java_options = ['-XX:TieredStopAtLevel=1', '-XX:ReservedCodeCacheSize=128m'],
  Sensitive[Pattern[/\A[A-Za-z0-9_-]{16,}\z/]] $password     = lookup('secrets::puppetdb_db'),
  Stdlib::Fqdn                                 $server       = $trusted['certname'],
) {
  $ssl = '/var/lib/puppet/ssl'

  file {
    default:
      ensure => file,
      owner  => 'root',
      group  => 'puppetdb',
      mode   => '0640',
      notify => Service['puppetdb'],
      ;
    '/etc/puppetdb/ssl':
      ensure => directory,
      mode   => '0750',
      ;
    '/etc/puppetdb/ssl/private.pem':
      source    => "file://${ssl}/private_keys/${server}.pem",
      show_diff => false,
      ;
    '/etc/puppetdb/ssl/public.pem':
      source => "file://${ssl}/certs/${server}.pem",
      ;
    '/etc/puppetdb/ssl/ca.pem':
      source => "file://${ssl}/certs/ca.pem",
      ;
    '/etc/puppetdb/certificate-allowlist':
      content => "${server}\n",
      ;
    '/etc/puppetdb/conf.d/config.ini':
      source => 'puppet:///modules/profile/puppet/puppetdb.ini',
      ;
    '/etc/puppetdb/conf.d/jetty.ini':
      source => 'puppet:///modules/profile/puppet/jetty.ini',
      ;
    '/etc/puppetdb/conf.d/database.ini':
      content => Sensitive(@("INI")),
        # Managed by Puppet
        [database]
        subname = //127.0.0.1:5432/puppetdb
        username = puppetdb
        password = ${password.unwrap}
        | INI
      ;
    '/etc/default/puppetdb':
      content => epp('profile/puppet/puppetdb.default.epp', {
        'heap_mib' => $heap_mib,
        'options'  => $java_options.join(' '),
      }),
      ;
  }

  service { 'puppetdb':
    ensure  => running,
    enable  => true,
    start   => '/usr/bin/systemctl start --no-block puppetdb.service',
    restart => '/usr/bin/systemctl restart --no-block puppetdb.service',
    status  => "/usr/bin/systemctl show --property=ActiveState --value puppetdb.service | grep -Eqx 'active|activating|reloading'",
  }
}
