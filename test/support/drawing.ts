/** Pictures that we draw ourselves, as PNG: faces and places of made-up people. */
import { crc32, deflateSync } from 'node:zlib'

type Colour = readonly [red: number, green: number, blue: number]

/** A picture of so many pixels, each coloured by its place. */
export function drawPng(width: number, height: number, colourAt: (x: number, y: number) => Colour): Buffer {
  const rows = Array.from({ length: height }, (_, y) => [0, ...Array.from({ length: width }, (_, x) => colourAt(x, y)).flat()])
  const size = Buffer.alloc(13)
  size.writeUInt32BE(width, 0)
  size.writeUInt32BE(height, 4)
  size.set([8, 2], 8)
  const begin = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1')
  return Buffer.concat([begin, chunk('IHDR', size), chunk('IDAT', deflateSync(Buffer.from(rows.flat()))), chunk('IEND', Buffer.alloc(0))])
}

function chunk(name: string, body: Buffer): Buffer {
  const named = Buffer.concat([Buffer.from(name, 'latin1'), body])
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)]
  length.writeUInt32BE(body.length)
  sum.writeUInt32BE(crc32(named))
  return Buffer.concat([length, named, sum])
}

const mix = (one: Colour, other: Colour, part: number): Colour =>
  [0, 1, 2].map(at => Math.round(one[at]! + (other[at]! - one[at]!) * Math.min(1, Math.max(0, part)))) as unknown as Colour

/** Colours by a hue in degrees: a sky, what stands before it, and a light. */
function palette(hue: number): { sky: Colour; ground: Colour; light: Colour } {
  const wave = (shift: number, low: number, high: number) => low + (high - low) * (0.5 + 0.5 * Math.cos(((hue + shift) * Math.PI) / 180))
  const colour = (low: number, high: number): Colour => [wave(0, low, high), wave(120, low, high), wave(240, low, high)]
  return { sky: colour(130, 235), ground: colour(30, 110), light: [250, 236, 200] }
}

/** A round head and shoulders before a sky, 96 pixels wide. */
export function drawFace(hue: number): Buffer {
  const { ground, light, sky } = palette(hue)
  return drawPng(96, 96, (x, y) => {
    const back = mix(sky, ground, y / 220)
    const head = 20 - Math.hypot(x - 48, y - 40)
    const body = 1 - Math.hypot((x - 48) / 34, (y - 98) / 34)
    return mix(mix(back, ground, body * 20), light, head)
  })
}

/** A bridge of arches over water, with the sun above it. */
export function drawBridge(hue: number, width = 960, height = 540): Buffer {
  const { ground, light, sky } = palette(hue)
  const water = height * 0.72
  return drawPng(width, height, (x, y) => {
    const back = y < water ? mix(sky, light, y / height) : mix(ground, sky, 0.35 + 0.15 * Math.sin((x + y * 3) / 23))
    const sun = height * 0.11 - Math.hypot(x - width * 0.7, y - height * 0.28)
    const span = width / 4
    const arch = Math.hypot((x % span) - span / 2, (y - water) * 1.3) - span * 0.4
    const isBridge = y > height * 0.45 && y < water && arch > 0
    return isBridge ? mix(ground, back, 0.1) : mix(back, light, sun)
  })
}
