# @summary The monitoring machine: the one that is proven and sized.
class role::monitor {
  include profile::monitor
}
