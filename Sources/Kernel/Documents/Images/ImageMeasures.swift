/// What can be said of a scanned paper from its pixels alone (图像质量).
///
/// Whether a page is missing, cut off, upside down or the wrong paper cannot be told from these and is left to people.
package struct ImageMeasures: Sendable, Hashable {
  /// Of the whole picture, in pixels.
  package let width: Int
  package let height: Int
  /// Mean luminance, 0 black to 255 white.
  package let brightness: Double
  /// Standard deviation of the luminance.
  package let contrast: Double
  /// The share of pixels that differ clearly from the ground, 0 to 1: writing, lines, photographs.
  package let ink: Double
  /// The steepness of edges: the mean of the steepest hundredth of differences between neighbours, 0 to 255. Sharp print
  /// has more than 60, print that cannot be read less than 20.
  package let sharpness: Double

  /// Longest side at which edges are measured; larger pictures are averaged down to it, which is how they are read.
  static let longest = 1600
  /// How far a pixel has to be from the ground to count as ink.
  static let inkStep = 28

  package init(of image: RasterImage) {
    width = image.width
    height = image.height
    let (luma, columns, rows) = ImageMeasures.luminance(of: image)
    var histogram = [Int](repeating: 0, count: 256)
    for value in luma { histogram[Int(value)] += 1 }
    let count = Double(luma.count)
    let sum = histogram.enumerated().reduce(0) { $0 + $1.offset * $1.element }
    let mean = Double(sum) / count
    brightness = mean
    let squares = histogram.enumerated().reduce(0.0) { total, bin in
      let distance = Double(bin.offset) - mean
      return total + distance * distance * Double(bin.element)
    }
    contrast = (squares / count).squareRoot()
    let ground = histogram.enumerated().max { $0.element < $1.element }?.offset ?? 255
    let inked = histogram.enumerated().reduce(0) { total, bin in
      abs(bin.offset - ground) > ImageMeasures.inkStep ? total + bin.element : total
    }
    ink = Double(inked) / count
    sharpness = ImageMeasures.steepness(luma, columns, rows)
  }

  /// Luminance (BT.601), averaged over squares where the picture is larger than ``longest``.
  private static func luminance(of image: RasterImage) -> ([UInt8], Int, Int) {
    let step = max(1, (max(image.width, image.height) + longest - 1) / longest)
    let (columns, rows) = (max(1, image.width / step), max(1, image.height / step))
    var luma = [UInt8](repeating: 0, count: columns * rows)
    image.pixels.withUnsafeBufferPointer { pixels in
      for row in 0..<rows {
        for column in 0..<columns {
          var sum = 0
          var taken = 0
          for y in row * step..<min(row * step + step, image.height) {
            for x in column * step..<min(column * step + step, image.width) {
              let at = (y * image.width + x) * 4
              sum += (Int(pixels[at]) * 114 + Int(pixels[at + 1]) * 587 + Int(pixels[at + 2]) * 299) / 1000
              taken += 1
            }
          }
          luma[row * columns + column] = UInt8(clamping: sum / max(taken, 1))
        }
      }
    }
    return (luma, columns, rows)
  }

  private static func steepness(_ luma: [UInt8], _ columns: Int, _ rows: Int) -> Double {
    var differences = [Int](repeating: 0, count: 256)
    var count = 0
    for row in 0..<max(0, rows - 1) {
      for column in 0..<max(0, columns - 1) {
        let at = row * columns + column
        let here = Int(luma[at])
        let step = max(abs(here - Int(luma[at + 1])), abs(here - Int(luma[at + columns])))
        differences[step] += 1
        count += 1
      }
    }
    guard count > 0 else { return 0 }
    let wanted = max(1, count / 100)
    var (taken, sum) = (0, 0)
    for step in stride(from: 255, through: 0, by: -1) where taken < wanted {
      let used = min(differences[step], wanted - taken)
      taken += used
      sum += used * step
    }
    return Double(sum) / Double(wanted)
  }
}
