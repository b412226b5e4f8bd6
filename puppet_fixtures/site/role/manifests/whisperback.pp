# @summary The relay of bug reports.
class role::whisperback {
  include profile::base
  include profile::whisperback
}
