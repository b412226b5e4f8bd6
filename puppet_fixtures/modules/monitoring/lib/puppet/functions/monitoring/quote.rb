# frozen_string_literal: true

# Writes any value as an Icinga 2 literal. This is the one place that quotes: no template and no other function may
# put a value between quotation marks by itself, because Icinga's configuration is a programming language, in which
# a stray quotation mark in a fact would end the string and begin a new object.
#
# `$` is doubled, so that no value becomes a runtime macro. Control characters, line and paragraph separators and
# characters that reverse the direction of writing become octal escapes: a reviewer sees on the line what is there.
Puppet::Functions.create_function(:'monitoring::quote') do
  # @param value Any Puppet value but Sensitive ones.
  # @return Text that Icinga reads back as that value.
  dispatch :quote do
    param 'Any', :value
    return_type 'String'
  end

  # Methods, not constants: a constant in this block would be one of the whole Puppet server.
  def max_bytes
    16_384
  end

  def max_depth
    8
  end

  def hidden
    /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/
  end

  def plain
    /\A[ !#%-\[\]-~]*\z/
  end

  # NUL would end the string for every C library behind Icinga, so it is replaced, not escaped.
  def short
    { '"' => '\\"', '\\' => '\\\\', "\n" => '\\n', "\t" => '\\t', "\r" => '\\r', '$' => '$$', "\u0000" => "\ufffd" }
  end

  def quote(value)
    literal(value, 0)
  end

  def literal(value, depth)
    raise ArgumentError, "monitoring::quote: nested deeper than #{max_depth} levels" if depth > max_depth

    case value
    when nil, :undef then 'null'
    when true, false then value.to_s
    when Integer then integer(value)
    when Float then float(value)
    when String, Symbol then string(value.to_s)
    when Array then value.empty? ? '[ ]' : "[ #{value.map { |item| literal(item, depth + 1) }.join(', ')} ]"
    when Hash then hash(value, depth)
    else raise ArgumentError, "monitoring::quote: a value of the kind #{value.class} has no Icinga literal"
    end
  end

  # Icinga's only kind of number is a double: beyond 2^53 it would silently be another number.
  def integer(value)
    raise ArgumentError, "monitoring::quote: #{value} does not fit into Icinga's numbers" if value.abs > 2**53

    value.to_s
  end

  # Icinga's lexer knows no exponents.
  def float(value)
    raise ArgumentError, "monitoring::quote: #{value} is no number for Icinga" unless value.finite? && value.abs < 2**53

    text = format('%.9f', value).sub(/0+\z/, '')
    text.end_with?('.') ? "#{text}0" : text
  end

  # Nearly every text is of characters that stand for themselves; the strict pattern leaves out all others and the end of a line.
  def string(value)
    return "\"#{value}\"" if value.ascii_only? && value.bytesize <= max_bytes && plain.match?(value)

    text = value.dup
    text = text.encoding == Encoding::ASCII_8BIT ? text.force_encoding('UTF-8') : text.encode('UTF-8')
    text = text.scrub("\ufffd")
    raise ArgumentError, "monitoring::quote: a string of #{text.bytesize} bytes is longer than #{max_bytes}" if text.bytesize > max_bytes

    text = text.gsub(/["\\\n\t\r$\u0000]/, short)
    "\"#{text.gsub(hidden) { |found| found.bytes.map { |byte| format('\\%03o', byte) }.join }}\""
  end

  def hash(value, depth)
    return '{ }' if value.empty?

    pairs = value.sort_by { |key, _| key.to_s }.map { |key, item| "#{string(key.to_s)} = #{literal(item, depth + 1)}" }
    "{ #{pairs.join('; ')} }"
  end
end
