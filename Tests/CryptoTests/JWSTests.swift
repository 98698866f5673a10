import Core
import Crypto
import Testing

struct JWSTests {
  /// RFC 7515 appendix A.3: the key and the token of the standard itself.
  @Test func theExampleOfTheStandardVerifies() throws {
    let key = try JWSPublicKey(jwk: [
      "kty": "EC", "crv": "P-256", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
      "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    ])
    let message = Array(
      "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
        .utf8)
    let signature = try #require(
      Base64URL.decode("DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"))
    #expect(try key.isValid(signature, of: message))
    var altered = signature
    altered[0] ^= 1
    #expect(try !key.isValid(altered, of: message))
    #expect(try !key.isValid([], of: message))
    #expect(try !key.isValid(signature, of: message + [0]))
  }

  @Test func whatAKeySignsItsPublicHalfVerifiesAndNoOther() throws {
    let key = try JWSPrivateKey.generate(id: "one")
    let token = try key.token(["sub": "a"])
    let parts = token.split(separator: ".").map(String.init)
    let message = Array("\(parts[0]).\(parts[1])".utf8)
    let signature = try #require(Base64URL.decode(parts[2]))
    #expect(try JWSPublicKey(jwk: key.jwk()).isValid(signature, of: message))
    #expect(try !JWSPublicKey(jwk: JWSPrivateKey.generate(id: "two").jwk()).isValid(signature, of: message))
  }

  @Test func aKeyIsKeptAndReadAgain() throws {
    let key = try JWSPrivateKey.generate(id: "one")
    let again = try JWSPrivateKey(id: "one", encoded: try key.encoded())
    #expect(try again.jwk() == key.jwk())
    let token = try #require(CompactJWS(try again.token(["sub": "a"], type: "logout+jwt")))
    #expect(try token.isSigned(by: JWSPublicKey(jwk: key.jwk())))
    #expect(token.header["typ"] == "logout+jwt" && token.claims["sub"] == "a")
    #expect(throws: CryptoFailure.self) { try JWSPrivateKey(id: "x", encoded: SecretBytes([1, 2, 3])) }
  }

  @Test(
    arguments: [
      ["kty": "oct", "k": "AAAA"],
      ["kty": "RSA", "n": "AQAB", "e": "AQAB"],
      ["kty": "EC", "crv": "P-256", "x": "AAAA", "y": "AAAA"],
      [
        "kty": "EC", "crv": "P-256", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
      ],
      [
        "kty": "EC", "crv": "P-256", "alg": "RS256", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
      ],
      [
        "kty": "EC", "crv": "P-256", "use": "enc", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
      ],
    ] as [JSON])
  func keysThatAreTooShortOffTheCurveOrForOtherUsesAreRefused(_ jwk: JSON) {
    #expect(throws: CryptoFailure.self) { try JWSPublicKey(jwk: jwk) }
  }
}
