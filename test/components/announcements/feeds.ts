// Feeds as moonlight writes them.

/** An item of a feed; elements that are not given have usual values. */
export function item(guid: string, elements: Readonly<Record<string, string>> = {}): string {
  const all = {
    title: 'Title',
    link: `https://github.com/${guid}`,
    description: 'Words',
    pubDate: 'Wed, 16 Mar 2022 19:33:39 GMT',
    category: 'normal',
    ...elements,
    guid,
  }
  const texts = Object.entries(all).map(([name, text]) => `<${name}>${text}</${name}>`)
  return `<item>\n${texts.join('\n')}\n</item>\n`
}

/** A whole feed around its items. */
export function feed(items: string): string {
  return `<?xml version='1.0' encoding='utf-8'?>
<rss version="2.0" xmlns:moonlight="https://arksine.github.io/moonlight">
<channel>
<title>arksine/moonlight</title>
<link>https://github.com/Arksine/moonlight</link>
<description>RSS Announcements for Moonraker</description>
<pubDate>Tue, 22 Mar 2022 23:19:04 GMT</pubDate>
<moonlight:configHash>f2912192bf0d09cf</moonlight:configHash>
${items}</channel>
</rss>
`
}
