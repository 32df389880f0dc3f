// workshop.conf: the shared listener and the printers. Its options are declared here, once.
import { dirname, join } from 'node:path'
import { apiTops } from '../api/tops.ts'
import {
  Configuration,
  path,
  type ReadSection,
  readSecrets,
  type Secrets,
  template,
} from '../config/index.ts'
import { readSources } from '../config/sources.ts'
import type { Log } from '../core/log.ts'
import { trimEndOf } from '../core/trim-characters.ts'
import { bool, int, string } from '../schema/index.ts'

export const workshopOptions = {
  host: string()
    .describe('The address of the shared listener; all: every IPv4 and IPv6 address')
    .default('0.0.0.0'),
  port: int({ min: 0, max: 65535 })
    .describe("Its port, which none of the printers' own may be; 0 for any free one")
    .default(7120),
  ssl_port: int({ min: 0, max: 65535 })
    .describe('Its port of HTTPS; used if certs/workshop.cert and .key exist next to workshop.conf')
    .default(7121),
  title: string().describe('The heading of the page').default('Workshop'),
  main: string()
    .describe(
      'The printer whose users log in at the shared listener, and which manages the machine; the first if empty',
    )
    .default(''),
  frontend: path()
    .describe(
      'The folder of Mainsail or Fluidd, served at / in place of the page, with all printers in its list',
    )
    .nullable()
    .default(null),
}

export const printerOptions = {
  data_path: path().describe('The data folder of a printer of this machine').nullable().default(null),
  own_port: bool()
    .describe('Whether the printer also listens on the port of its moonraker.conf')
    .default(true),
  url: string()
    .describe('The address of another server, in place of data_path: shown on the page, not passed on')
    .nullable()
    .default(null),
  api_key: template()
    .describe('The API key of that server; better as {secrets.NAME.key} from workshop.secrets')
    .default(''),
}

/** A printer whose server runs in this process. */
export interface LocalPrinter {
  readonly name: string
  readonly dataPath: string
  readonly ownPort: boolean
}

/** A printer whose server runs elsewhere. */
export interface RemotePrinter {
  readonly name: string
  /** Without a slash at its end. */
  readonly url: string
  /** '' for none. */
  readonly apiKey: string
}

/** The content of workshop.conf. */
export interface WorkshopConfig {
  readonly host: string
  readonly port: number
  readonly tlsPort: number
  readonly title: string
  /** The name of one of the local printers. */
  readonly main: string
  readonly frontend: string | null
  /** In the order of the file. */
  readonly printers: readonly (LocalPrinter | RemotePrinter)[]
  readonly warnings: readonly string[]
}

/** Where the files of a workshop are. */
export interface WorkshopPaths {
  readonly configFile: string
  readonly secrets: string
  readonly certificate: string
  readonly key: string
}

/** The paths next to the file `configFile`. */
export function workshopPaths(configFile: string): WorkshopPaths {
  const at = (...parts: string[]) => join(dirname(configFile), ...parts)
  return {
    configFile,
    secrets: at('workshop.secrets'),
    certificate: at('certs', 'workshop.cert'),
    key: at('certs', 'workshop.key'),
  }
}

const NAME = /^[a-z0-9][a-z0-9-]{0,31}$/

/** Reads workshop.conf. Rejects with ConfigError, which names file, line and option. */
export async function readWorkshop(
  { configFile, secrets: file }: WorkshopPaths,
  log: Log,
): Promise<WorkshopConfig> {
  const config = new Configuration(readSources(configFile), dirname(configFile))
  const { secrets, warnings } = readSecrets(file)
  const section = config.read('workshop', workshopOptions)
  const printers = await Promise.all(
    config.named('printer').map(name => readPrinter(config.read(name, printerOptions), { log, secrets })),
  )
  const { host, port, ssl_port: tlsPort, title, frontend } = section.options
  refuseTwice(section, printers)
  const main = findMain(section, printers)
  return {
    host,
    port,
    tlsPort,
    title,
    main,
    frontend,
    printers,
    warnings: [...warnings, ...config.warnings()],
  }
}

type Section = ReadSection<typeof printerOptions>

/** What templates need. */
interface TemplateParts {
  readonly log: Log
  readonly secrets: Secrets
}

async function readPrinter(section: Section, parts: TemplateParts): Promise<LocalPrinter | RemotePrinter> {
  const { name } = section
  if (!NAME.test(name)) {
    throw section.error(
      `the name of section [${section.section}] is part of addresses: at most 32 lower case letters, digits and hyphens`,
    )
  }
  if (apiTops().has(name)) {
    throw section.error(`the name of section [${section.section}] is taken: the API has the path /${name}`)
  }
  const { data_path: dataPath, own_port: ownPort, url, api_key: apiKey } = section.options
  if ((dataPath === null) === (url === null)) {
    throw section.error(`section [${section.section}] needs either "data_path" or "url"`)
  }
  if (dataPath !== null) return { name, dataPath, ownPort }
  const address = addressOf(section, url as string)
  return { name, url: address, apiKey: apiKey === '' ? '' : await render(section, apiKey, parts) }
}

/** The template engine is loaded for keys only. */
async function render(section: Section, source: string, parts: TemplateParts): Promise<string> {
  const { SectionTemplate } = await import('../component/section-template.ts')
  return new SectionTemplate(parts, section, 'api_key', source).renderOnce()
}

function addressOf(section: Section, text: string): string {
  const url = URL.parse(text)
  if (url === null || !/^https?:$/.test(url.protocol) || url.username !== '' || url.search !== '') {
    throw section.error('"url" is not an address of http or https without user and query', 'url')
  }
  return trimEndOf(url.href, '/')
}

function refuseTwice(
  section: ReadSection<typeof workshopOptions>,
  printers: WorkshopConfig['printers'],
): void {
  const places = new Set<string>()
  for (const printer of printers) {
    const place = 'url' in printer ? printer.url : printer.dataPath
    if (places.has(place)) throw section.error(`two printers have ${place}`)
    places.add(place)
  }
}

function findMain(
  section: ReadSection<typeof workshopOptions>,
  printers: WorkshopConfig['printers'],
): string {
  const local = printers.filter(printer => 'dataPath' in printer).map(({ name }) => name)
  const { main } = section.options
  if (local.length === 0) {
    throw section.error('workshop.conf needs a section [printer NAME] with "data_path"')
  }
  if (main !== '' && !local.includes(main)) {
    throw section.error(
      `"main: ${main}" is no printer with "data_path": choose one of ${local.join(', ')}`,
      'main',
    )
  }
  return main === '' ? (local[0] as string) : main
}
