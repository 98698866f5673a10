package import Access
package import Audit
import Connectors
package import Core
import Documents
import Entities
import Foundation
import Processes
import SQL

/// Whose face is compared (比对对象).
package enum ComparedPerson: String, Sendable, Hashable, CaseIterable {
  case applicant
  case subject

  package var label: String {
    switch self {
    case .applicant: "申请人"
    case .subject: "被申请人"
    }
  }

  fileprivate var fields: (name: String, document: String) {
    switch self {
    case .applicant: ("applicant_name", "applicant_document")
    case .subject: ("subject_name", "subject_document")
    }
  }
}

/// Whether whoever stands at the window is who the identity card says (人证一致核验, C-062, C-273).
extension CaseStore {
  static let faces = "face_comparison"

  /// Bytes of a photograph that is compared.
  package static let largestFace = 4 << 20

  /// Whether this installation asks a system that compares faces.
  package var hasFaceComparison: Bool { connectors?.connectors.connector(CaseStore.faces) != nil }

  /// Whether somebody may compare faces in a case: whoever handles it or took it up, while it runs.
  package func mayCompare(_ view: CaseView, _ principal: Principal) -> Bool {
    hasFaceComparison && mayWitness(view, principal) && view.instance.state == .running && !view.item.isInternal
  }

  /// Compares a photograph that was just taken with the one on record. The finding stands in the history of the case, one that says
  /// it is somebody else among its alerts as well; the photograph is sent and kept nowhere.
  ///
  /// - Throws: ``Refusal`` `face-foreign`, `face-photo`, `face-nobody`; nothing is compared then. A system that does not answer is
  ///   no error but `unknown`.
  @discardableResult
  package func compareFace(
    of person: ComparedPerson, photo: [UInt8], in id: Int64, by principal: Principal, origin: Origin = .inside
  ) async throws -> MaterialVerification {
    let view = try await view(id, as: principal, origin: origin)
    guard mayCompare(view, principal) else {
      throw Refusal(.forbidden, "face-foreign", "只有正在办理或受理这件事的人可以比对人像，没有比对。请从待办进入。")
    }
    let kind = FileKind.sniff(bytes: photo)
    guard [.jpeg, .png].contains(kind), photo.count <= CaseStore.largestFace else {
      throw Refusal(.invalid, "face-photo", "照片应是 JPEG 或 PNG，不超过 4 MB，没有比对。请重新拍一张。", field: "photo")
    }
    let record = try await store.records(as: .system, purpose: "人像比对", origin: origin).get(
      ServiceCase.entity, id, columns: [person.fields.name, person.fields.document], reveal: true)
    guard let name = record[person.fields.name].text, let document = record[person.fields.document].text,
      let connectors
    else {
      throw Refusal(.unprocessable, "face-nobody", "申请里没有\(person.label)的姓名和身份证号，没有比对。请选择另一个人。", field: "person")
    }
    let number = view.record["number"].text ?? ""
    let answer = try await connectors.call(
      CaseStore.faces, "compare",
      ["name": .text(name), "document": .text(document), "photo": .text(Data(photo).base64EncodedString())],
      purpose: "受理“\(view.item.label)”时比对人像",
      about: ConnectorSubject(entity: ServiceCase.entity, id: id, label: "办件 \(number)"), by: principal)
    let score = answer.values["score"]?.integer.map { "，相似度 \($0)" } ?? ""
    let now = store.clock.now()
    let found =
      switch answer.outcome {
      case .yes: MaterialVerification(.match, note: "现场照片与登记照片是同一人\(score)", at: now, by: principal.name)
      case .no:
        MaterialVerification(
          .mismatch, note: "现场照片与登记照片不是同一人\(score)，请当面核对证件和本人", at: now, by: principal.name)
      default:
        MaterialVerification(
          .unknown, note: "\(answer.reason ?? "人像比对系统没有给出结论")，请当面核对证件和本人", at: now, by: principal.name)
      }
    try await store.database.transaction { transaction in
      let state = try await hold(id, in: transaction)
      _ = try await transaction.query(
        eventStatement(
          state, CaseAction(name: "compare", opinion: found.note, target: "\(person.label)：\(found.result.label)"),
          by: principal, at: now))
      if found.result == .mismatch {
        try await raise(
          CaseAlert(label: CaseAlert.otherFace, person: person.label, message: found.note), in: state, transaction)
      }
    }
    return found
  }
}
