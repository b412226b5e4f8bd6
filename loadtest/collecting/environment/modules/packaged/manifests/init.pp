# @summary Collects as packaged modules do it: one query, one file, its text made in the Puppet language by `reduce`.
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
    $certname = $row['certname']
    $values = $row['parameters']
    if $row['type'] == 'Monitoring::Collected::Host' {
      $all + [packaged::host($certname, [$addresses[$certname], $values['address']].filter |$it| { $it }[0], $values['role'])]
    } else {
      $all + [packaged::service($certname, $values)]
    }
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
