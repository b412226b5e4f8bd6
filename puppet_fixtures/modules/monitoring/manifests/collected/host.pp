# @summary A host as other nodes export it. Realised on the monitor it writes a file; a query reads its parameters only.
#
# @param host
#   The exporting node's certname.
# @param address
#   Where the monitor reaches it.
# @param role
#   The role of the node, for display and for rules of the monitor.
define monitoring::collected::host (
  Monitoring::Certname $host,
  Optional[Monitoring::Address] $address = undef,
  Optional[String[1, 63]] $role = undef,
) {
  include monitoring::collector

  file { "${monitoring::collector::directory}/${host}":
    ensure  => directory,
    owner   => 'root',
    group   => 'root',
    mode    => '0755',
    recurse => true,
    purge   => true,
    force   => true,
  }

  file { "${monitoring::collector::directory}/${host}/host.conf":
    ensure  => file,
    owner   => 'root',
    group   => 'root',
    mode    => '0644',
    content => monitoring::render_host({ 'host' => $host, 'address' => $address, 'role' => $role }, $monitoring::collector::addresses),
  }
}
