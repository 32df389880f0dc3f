// The options of [update_manager] and those that every [update_manager NAME] has.
import { deprecated, lines, pairs, path, SEPARATOR, template, word } from '../../config/index.ts'
import { bool, Field, type InferShape, Invalid, int, list, string } from '../../schema/index.ts'

/** The channels of releases. */
export const CHANNELS = ['stable', 'beta', 'dev'] as const
export type Channel = (typeof CHANNELS)[number]

/** Hours of the day, as `0-5`: from the first one until before the second one; it may contain midnight. */
export type HourWindow = readonly [from: number, until: number]

function hourWindow(): Field<HourWindow> {
  const expected = 'two different hours from 0 to 23 with a dash between them, such as 0-5'
  return new Field({ type: 'string', pattern: '^\\d+-\\d+$' }, (input, name) => {
    const [, first, second] = /^\s*(\d{1,2})\s*-\s*(\d{1,2})\s*$/.exec(String(input)) ?? []
    const [from, until] = [Number(first), Number(second)]
    if (!(from < 24 && until < 24 && from !== until)) throw new Invalid(name, expected, input)
    return [from, until]
  })
}

/** The URL of a server that has the content of another one. */
function mirror(): Field<string> {
  return new Field({ type: 'string', format: 'uri' }, (input, name) => {
    const url = String(input).trim()
    const protocol = URL.parse(url)?.protocol
    if ((protocol !== 'https:' && protocol !== 'http:') || !url.endsWith('/'))
      throw new Invalid(name, 'a URL that starts with http and ends with a slash', input)
    return url
  })
}

/** Words with blanks, commas or line ends between them. */
function words(): Field<string[]> {
  const items = list(string())
  return new Field({ ...items.json, [SEPARATOR]: ' ' }, (input, name) =>
    items.read(
      String(input)
        .split(/[\s,]+/)
        .filter(word => word !== ''),
      name,
    ),
  )
}

const channel = word(...CHANNELS).describe('Which releases are offered: stable, beta or dev')
const interval = int({ min: 0 }).describe('The time between two refreshes').unit('h')

/** [update_manager] */
export const generalOptions = {
  enable_auto_refresh: bool().describe('Refresh regularly, in the hours of refresh_window').default(false),
  refresh_window: hourWindow().describe('The hours of the day in which the server refreshes').default([0, 5]),
  refresh_interval: interval.default(168),
  channel: channel.describe('The channel of klipper and moonraker').optional(),
  enable_system_updates: bool().describe('Update the packages of the operating system').default(true),
  enable_packagekit: bool().describe('Use PackageKit for them where it works; else apt').default(true),
  release_api: mirror()
    .describe('The release API: that of GitHub, or a mirror of it; ends with a slash')
    .default('https://api.github.com/'),
  github_token: template()
    .describe('A token of GitHub, which allows more requests in an hour; better as {secrets.github.token}')
    .optional(),
  git_mirror: mirror()
    .describe('Fetch git repositories from here, in place of https://github.com/; ends with a slash')
    .optional(),
  enable_repo_debug: deprecated(bool().describe('No effect').optional(), 'remove it'),
}
export type GeneralOptions = InferShape<typeof generalOptions>

/** What every [update_manager NAME] has, apart from `type`. */
const common = {
  channel: channel.optional(),
  refresh_interval: interval.optional(),
  info_tags: lines(string()).describe('Texts for front-ends, one on each line').default([]),
  report_anomalies: bool().describe('Show unexpected conditions that do not prevent an update').default(true),
}
export type CommonOptions = InferShape<typeof common>

/** [update_manager NAME] */
export const sectionOptions = {
  type: string().describe('The kind of installation').optional(),
  ...common,
}

/** The options of types whose installation may be a service. */
export const serviceOptions = {
  is_system_service: bool().describe('NAME is a service, which restarts after an update').default(true),
  managed_services: words()
    .describe(
      'The services that restart after an update: NAME, klipper, moonraker; NAME where it is left out',
    )
    .optional(),
}
export type ServiceOptions = InferShape<typeof serviceOptions>

/** The options of types with a list of system packages. */
export const systemPackageOptions = {
  system_dependencies: string()
    .describe('The JSON file with the system packages, relative to `path`')
    .optional(),
}

/** The options of types whose installation needs packages for Python or Node.js. */
export const packageOptions = {
  virtualenv: path().describe('The Python environment whose packages are updated').optional(),
  env: deprecated(
    path().describe('The Python program of the environment').optional(),
    'use "virtualenv" instead',
  ),
  requirements: string()
    .describe('The file with the Python packages, relative to `path`; required with `virtualenv`')
    .optional(),
  enable_node_updates: bool().describe('Run npm ci after package-lock.json has changed').default(false),
  venv_args: string().describe('No effect').optional(),
  pip_environment_variables: pairs().describe('Environment variables for pip').default({}),
}
