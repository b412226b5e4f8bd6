# @summary A machine with nothing but what every machine has: one of each Debian release stands in the lab, with a real agent.
class role::plain {
  include profile::base
}
