# @summary Escapes a text for a quoted value of an INI file as PHP reads it.
#
# @param text
#   Any text in one line.
#
# @return The same for use between double quotes.
function profile::monitor::ini_value(String $text) >> String {
  # PHP expands ${NAME} in quoted values and knows no escape for it.
  if $text =~ /[\x00-\x1f]|\$\{/ {
    fail('a password with control characters, or with a dollar sign before a brace, can not stand in an INI file')
  }
  regsubst($text, '(["\\\\])', '\\\\\1', 'G')
}
