import Documents

/// What the cameras of the demonstration see: a sheet of paper on a dark desk, and somebody in front of a light wall. Drawn,
/// so that nobody's likeness is used; each corner of the sheet has a colour of its own, which shows how it was turned.
enum DemoPictures {
  /// By the names that cameras have in the contract of device bridges.
  static func all() throws -> [String: [UInt8]] {
    ["document": try sheet().jpeg(quality: 88), "portrait": try portrait().jpeg(quality: 88)]
  }

  /// Sides in pixels of both pictures, the longer first.
  private static let (long, short) = (1600, 1200)

  private static func sheet() -> RasterImage {
    draw(long, short) { x, y in
      guard (200..<1400).contains(x), (100..<1100).contains(y) else { return (70, 74, 80) }
      let (across, down) = (x - 200, y - 100)
      switch (across < 120, across >= 1080, down < 120, down >= 880) {
      case (true, _, true, _): return (200, 30, 30)
      case (_, true, true, _): return (30, 60, 200)
      case (true, _, _, true): return (30, 150, 60)
      default: break
      }
      // Lines of what could be writing.
      let line = (down - 180) % 60
      let isText = (180..<840).contains(down) && line < 22 && (120..<(900 + down % 7 * 20)).contains(across)
      return isText && (across / 26 % 5 != 4) && (across % 26 < 20) ? (40, 40, 44) : (250, 250, 246)
    }
  }

  private static func portrait() -> RasterImage {
    draw(short, long) { x, y in
      func isInside(_ centreX: Int, _ centreY: Int, _ radiusX: Int, _ radiusY: Int) -> Bool {
        let (dx, dy) = ((x - centreX) * 1000 / radiusX, (y - centreY) * 1000 / radiusY)
        return dx * dx + dy * dy <= 1_000_000
      }
      if isInside(600, 620, 230, 300) {
        return y < 470 ? (40, 34, 32) : (226, 188, 160)
      }
      if (540..<660).contains(x), (880..<1080).contains(y) { return (214, 174, 146) }
      return isInside(600, 1500, 480, 460) ? (48, 70, 110) : (236, 240, 245)
    }
  }

  /// A picture whose pixels follow from their place.
  private static func draw(_ width: Int, _ height: Int, _ colour: (Int, Int) -> (UInt8, UInt8, UInt8)) -> RasterImage {
    var pixels: [UInt8] = []
    pixels.reserveCapacity(width * height * 4)
    for y in 0..<height {
      for x in 0..<width {
        let (red, green, blue) = colour(x, y)
        pixels.append(blue)
        pixels.append(green)
        pixels.append(red)
        pixels.append(255)
      }
    }
    return RasterImage(width: width, height: height, pixels: pixels)
  }
}
