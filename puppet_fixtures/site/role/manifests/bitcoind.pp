# @summary A Bitcoin node.
class role::bitcoind {
  include profile::base
  include profile::bitcoind
}
