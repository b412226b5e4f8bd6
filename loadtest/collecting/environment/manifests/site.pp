# The monitor's collecting, and nothing else of it: which way and which objects is said by the facts of the bench's own agent run.
$way = $facts['collecting_way']
$label = $facts['collecting_label']
$directory = "/var/lib/watchpost-collecting/${way}/hosts"

case $way {
  'query', 'realise': {
    class { 'monitoring::collector':
      mode      => $way,
      label     => $label,
      directory => $directory,
    }
  }
  'reduce': {
    class { 'packaged':
      label     => $label,
      directory => $directory,
    }
  }
  default: {
    fail("there is no way of collecting named ${way}")
  }
}
