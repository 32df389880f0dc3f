// `workshop init`: a workshop.conf made from the data folders of the home folder.
import { existsSync, readdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { StartError } from '../core/errors.ts'
import { trimBothOf } from '../core/trim-characters.ts'

/** A data folder, and the name of its printer. */
interface Found {
  readonly name: string
  readonly folder: string
}

/** The text of a workshop.conf for `printer_data` and `printer_NAME_data` in `home`. Throws StartError without any. */
export function workshopText(home = homedir()): string {
  const found = findFolders(home)
  if (found.length === 0) {
    throw new StartError(
      `${home} has no folder printer_data or printer_NAME_data with a config/moonraker.conf`,
    )
  }
  const sections = found.map(
    ({ name, folder }) => `[printer ${name}]\ndata_path: ~/${folder}\n# own_port: False\n`,
  )
  return `# Several printers in one process: moonraker-ts --workshop FILE. Each keeps its data folder and its moonraker.conf.

[workshop]
# The shared listener: http://HOST:7120/ is a page of all printers, and /NAME/ the API of each.
host: 0.0.0.0
port: 7120
title: Workshop
# The printer whose users log in there, and which manages the machine.
main: ${found[0]?.name}

# own_port: True, the default, also serves a printer on the port of its moonraker.conf.
${sections.join('\n')}
# A printer whose server runs elsewhere:
# [printer NAME]
# url: http://192.168.1.40:7125
`
}

function findFolders(home: string): Found[] {
  const folders = readdirSync(home).filter(folder =>
    existsSync(join(home, folder, 'config', 'moonraker.conf')),
  )
  return folders.sort().flatMap(folder => {
    const [, middle] = /^printer(?:_(.+))?_data$/.exec(folder) ?? []
    if (folder !== 'printer_data' && middle === undefined) return []
    return [{ name: middle === undefined ? 'main' : nameOf(middle), folder }]
  })
}

/** A name as sections have it. Installers count printers; a number alone is a poor name. */
function nameOf(text: string): string {
  const name = trimBothOf(text.toLowerCase().replace(/[^a-z0-9]+/g, '-'), '-').slice(0, 24)
  return /^\d*$/.test(name) ? `printer-${name || '0'}` : name
}
