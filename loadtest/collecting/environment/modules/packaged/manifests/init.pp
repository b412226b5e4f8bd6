# @summary Collects as packaged modules do it: one query, one file, its text made in the Puppet language by `reduce` and EPP.
#
# It writes the objects that monitoring::collector writes, and is there to be compared with. Values are quoted by monitoring::quote.
#
# @param label
#   The tag of what is collected.
# @param directory
#   Where the file goes.
# @param addresses
#   Addresses that the lab knows by certname.
class packaged (
  Pattern[/\A[a-z][a-z0-9-]*\z/] $label,
  Pattern[/\A\/[a-z0-9_.\/-]+\z/] $directory,
  Hash[String, String] $addresses = lookup('lab::hosts', { 'default_value' => {} }),
) {
  include monitoring::commands
  include monitoring::probe_key

  $rows = puppetdb_query(@("PQL"))
    resources[certname, type, title, parameters] {
      exported = true and tag = '${label}'
      and type in ['Monitoring::Collected::Host', 'Monitoring::Collected::Service']
      and nodes { deactivated is null and expired is null }
    }
    | PQL

  $texts = $rows.reduce([]) |$all, $row| {
    $values = $row['parameters'] - 'tag' + { 'host' => $row['certname'] }
    $text = $row['type'] ? {
      'Monitoring::Collected::Host' => epp('packaged/host.epp', {
          'host'    => $row['certname'],
          'address' => pick_default($addresses[$row['certname']], $values['address']),
          'role'    => $values['role'],
      }),
      default => epp('packaged/service.epp', { 'service' => $values }),
    }
    $all + [$text]
  }

  file {
    default:
      owner => 'root',
      group => 'root',
      ;
    $directory:
      ensure  => directory,
      mode    => '0755',
      recurse => true,
      purge   => true,
      force   => true,
      ;
    "${directory}/all.conf":
      ensure  => file,
      mode    => '0644',
      content => $texts.join("\n"),
      ;
  }
}
