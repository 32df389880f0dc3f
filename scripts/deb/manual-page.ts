// The manual page of the command, from what its --help prints.

/** The page in troff for a help text: its first line is the purpose, the usage and the options follow. */
export function manualPage(help: string, time: number): string {
  const [purpose = '', ...rest] = help.split('\n')
  const date = new Date(time * 1000).toISOString().slice(0, 10)
  return [
    `.TH MOONRAKER-TS 1 ${date}`,
    '.SH NAME',
    escaped(purpose.replace(':', ' -')).replace('moonraker\\-ts \\-', 'moonraker-ts \\-'),
    '.SH SYNOPSIS',
    '.nf',
    ...rest.map(escaped),
    '.fi',
    '.SH SEE ALSO',
    'The documents of the project; the page /docs of a running server has every method of its API.',
    '',
  ].join('\n')
}

/** A line of text: a minus is no hyphen, and a first dot or quote no request. */
function escaped(line: string): string {
  return line
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replace(/^([.'])/, '\\&$1')
}
