/** A recorded HTTP answer: optionally "# curl … URL" on the first line, then status line, headers, an empty line, body. */
export type Capture = { url: string; status: number; headers: Record<string, string>; body: Buffer }

export function readCapture(file: Buffer): Capture {
  const end = /\r?\n\r?\n/.exec(file.toString('latin1'))!
  const lines = file.toString('latin1', 0, end.index).split(/\r?\n/)
  const url = lines[0]!.startsWith('#') ? (/https?:\S+$/.exec(lines.shift()!)?.[0] ?? '') : ''
  const headers: Record<string, string> = {}
  for (const line of lines.slice(1)) {
    const [, name = '', value = ''] = /^([^:]+):\s*(.*)$/.exec(line) ?? []
    const key = name.toLowerCase()
    headers[key] = headers[key] === undefined ? value : `${headers[key]}, ${value}`
  }
  return { url, status: Number(lines[0]!.split(' ')[1]), headers, body: file.subarray(end.index + end[0].length) }
}
