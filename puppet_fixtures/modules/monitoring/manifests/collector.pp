# @summary Collects what the nodes export and writes the monitor's configuration for it.
#
# Mode `query` (the default) asks PuppetDB once and writes one file for each host. A host that exports more than it may is refused by name
# (see monitoring::render). Mode `realise` is the usual `<<| |>>` with a file for each object; it costs several queries and a define for each
# object, has no limit for one host, and is there to be compared with.
#
# @param mode
#   How to collect.
# @param max_objects_per_host
#   How many checks one host may export (mode `query` only).
# @param directory
#   Where the files go. Owned by this class: what no host exports is removed.
# @param label
#   The tag of what is collected.
# @param addresses
#   Addresses that the lab knows by certname; they win over what a host says of itself.
class monitoring::collector (
  Enum['query', 'realise'] $mode = lookup('lab::collect_mode', { 'default_value' => 'query' }),
  Integer[1] $max_objects_per_host = 200,
  Pattern[/\A\/[a-z0-9_.\/-]+\z/] $directory = '/etc/icinga2/watchpost.d/hosts',
  Pattern[/\A[a-z][a-z0-9-]*\z/] $label = 'monitoring',
  Hash[String, String] $addresses = lookup('lab::hosts', { 'default_value' => {} }),
) {
  include monitoring::commands
  include monitoring::probe_key
  include monitoring::repository_key

  file { $directory:
    ensure  => directory,
    owner   => 'root',
    group   => 'root',
    mode    => '0755',
    recurse => true,
    purge   => true,
    force   => true,
  }

  if $mode == 'query' {
    $rows = puppetdb_query(@("PQL"))
      resources[certname, type, title, parameters] {
        exported = true and tag = '${label}'
        and type in ['Monitoring::Collected::Host', 'Monitoring::Collected::Service']
        and nodes { deactivated is null and expired is null }
      }
      | PQL

    $rendered = monitoring::render($rows, $addresses, $max_objects_per_host)
    $rendered['refused'].each |$certname, $reason| {
      warning("monitoring::collector refuses ${certname}: ${reason}")
    }
    $rendered['files'].each |$certname, $text| {
      file { "${directory}/${certname}.conf":
        ensure  => file,
        owner   => 'root',
        group   => 'root',
        mode    => '0644',
        content => $text,
      }
    }
  } else {
    Monitoring::Collected::Host <<| tag == $label |>>
    Monitoring::Collected::Service <<| tag == $label |>>
  }

  # A collector, not defined(): it sees the service whichever class is evaluated first, and a node without one has nothing to reload.
  Class['monitoring::collector'] ~> Service <| title == 'icinga2' |>
}
