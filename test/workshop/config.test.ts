// workshop.conf: what is read, what is refused, and the file that init writes.
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { readWorkshop, workshopPaths } from '../../src/workshop/config.ts'
import { workshopText } from '../../src/workshop/init.ts'
import { testLog } from '../support/test-log.ts'

class Folder implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), 'workshop-conf-'))

  write(name: string, text: string): string {
    const path = join(this.path, name)
    mkdirSync(join(path, '..'), { recursive: true })
    writeFileSync(path, text)
    return path
  }

  read(text: string) {
    return readWorkshop(workshopPaths(this.write('workshop.conf', text)), testLog())
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true })
  }
}

test('printers here and elsewhere are read with their defaults', async () => {
  using folder = new Folder()
  folder.write('workshop.secrets', '[mk4]\nkey: abc123\n')
  const config = await folder.read(`[workshop]
title: Back room
[printer voron]
data_path: ~/printer_voron_data
[printer ender-3]
data_path: /srv/ender
own_port: False
[printer mk4]
url: http://192.168.1.40:7125/
api_key: {secrets.mk4.key}
`)
  assert.deepEqual(config, {
    host: '0.0.0.0',
    port: 7120,
    tlsPort: 7121,
    title: 'Back room',
    main: 'voron',
    frontend: null,
    printers: [
      { name: 'voron', dataPath: join(homedir(), 'printer_voron_data'), ownPort: true },
      { name: 'ender-3', dataPath: '/srv/ender', ownPort: false },
      { name: 'mk4', url: 'http://192.168.1.40:7125', apiKey: 'abc123' },
    ],
    warnings: [],
  })
})

test('what cannot be used is refused with the section and what to do', async () => {
  using folder = new Folder()
  const one = '[printer one]\ndata_path: /srv/one\n'
  const wrong: readonly (readonly [string, RegExp])[] = [
    ['[workshop]\n', /needs a section \[printer NAME\] with "data_path"/],
    ['[printer a]\nurl: http://x\n', /needs a section \[printer NAME\] with "data_path"/],
    ['[printer One]\ndata_path: /x\n', /at most 32 lower case letters/],
    ['[printer -a]\ndata_path: /x\n', /at most 32 lower case letters/],
    ['[printer server]\ndata_path: /x\n', /\[printer server\] is taken: the API has the path \/server/],
    ['[printer workshop]\ndata_path: /x\n', /is taken/],
    ['[printer a]\n', /needs either "data_path" or "url"/],
    ['[printer a]\ndata_path: /x\nurl: http://x\n', /needs either "data_path" or "url"/],
    [`${one}[printer a]\nurl: ftp://x\n`, /"url" is not an address of http or https/],
    [`${one}[printer a]\nurl: http://me:secret@x\n`, /"url" is not an address of http or https without user/],
    [`${one}[printer a]\ndata_path: /srv/one\n`, /two printers have \/srv\/one/],
    [`[workshop]\nmain: b\n${one}`, /"main: b" is no printer with "data_path": choose one of one/],
    [`[workshop]\nport: many\n${one}`, /"port: many" of section \[workshop\] must be a whole number/],
  ]
  for (const [text, message] of wrong)
    await assert.rejects(folder.read(text), { name: 'ConfigError', message }, text)
})

test('an unknown option is a warning', async () => {
  using folder = new Folder()
  const { warnings } = await folder.read('[printer one]\ndata_path: /srv/one\nown_prot: True\n')
  assert.match(warnings.join(), /'own_prot: True' detected in section \[printer one\]/)
})

test('init names the data folders of the home folder, and its file can be read', async () => {
  using folder = new Folder()
  for (const name of ['printer_data', 'printer_Voron_2.4_data', 'printer_1_data', 'other']) {
    folder.write(`${name}/config/moonraker.conf`, '')
  }
  mkdirSync(join(folder.path, 'printer_empty_data'))
  const config = await folder.read(workshopText(folder.path))
  assert.deepEqual(
    config.printers.map(printer => [printer.name, 'dataPath' in printer ? printer.dataPath : '']),
    [
      ['printer-1', join(homedir(), 'printer_1_data')],
      ['voron-2-4', join(homedir(), 'printer_Voron_2.4_data')],
      ['main', join(homedir(), 'printer_data')],
    ],
  )
  using empty = new Folder()
  assert.throws(() => workshopText(empty.path), /has no folder printer_data or printer_NAME_data/)
})
